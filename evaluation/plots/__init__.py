"""The plots of a report, as SVG: pictures that need no library and can be compared as text."""
