"""The portable lane: Sigma to SPL, EQL and ES|QL by pySigma backends that say all that the Sigma says.

The backends depend on pySigma alone but for the spelling of fields, strings and Lucene's regular expressions. ``lane`` is what uses
them here.
"""
