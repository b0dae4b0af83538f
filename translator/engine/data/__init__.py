"""Data as their owners have them: files recognized by what they hold, and tables whose columns have KQL's types."""

from __future__ import annotations

from translator.engine.data.tables import Tables, tables_of

__all__ = ["Tables", "tables_of"]
