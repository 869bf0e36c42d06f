"""What a user installs: the Python client, the `personsearch` command and the generated stubs (personsearch.v1).

Start at `personsearch.client.PersonSearchClient` (asyncio) or `personsearch.sync.connect` (blocking). Nothing is
imported here, because every service imports this package for its stubs.
"""
