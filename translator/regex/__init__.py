"""The regular expressions of KQL: a grammar, a tree, and what each target writes for the tree.

Source: learn.microsoft.com/kusto/query/regex.
"""
