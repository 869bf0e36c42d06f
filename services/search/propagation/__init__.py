"""From some known people to many tracklets along links, on whole matrices: the published ways and ours.

Pure numpy and scipy.sparse. `expansion.py` follows links hop by hop through the store, for one query; these take a
whole graph at once, for all queries, and are what it is measured against.
"""
