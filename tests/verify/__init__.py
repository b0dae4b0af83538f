"""Tests of the readers and of what compares them; a package, for names of modules that other folders have as well."""
