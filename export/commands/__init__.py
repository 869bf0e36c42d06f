"""What each verb of `python -m export` does; a module and what it needs are imported only when its verb runs."""
