"""The vector index: Milvus and its fake."""
