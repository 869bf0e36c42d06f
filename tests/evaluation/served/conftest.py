from tests.evaluation.protocols.conftest import made_search

__all__ = ["made_search"]
