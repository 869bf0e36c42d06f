"""Video files become appearances in the index: an API that queues them and a worker that does the work."""
