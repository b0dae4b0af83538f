"""The typed relational plan: expressions, operators, the binder that makes them from syntax, and their normal form."""
