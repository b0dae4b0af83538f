"""Indicator match: a join with the tables of threat indicators."""

from __future__ import annotations

from translator.detection.shapes import Listed

INDICATOR_TABLES = frozenset({"ThreatIntelligenceIndicator", "ThreatIntelIndicators", "ThreatIntelObjects"})
"""Tables of threat indicators: learn.microsoft.com/azure/sentinel/understand-threat-intelligence."""

INDICATORS = Listed("threat_indicators", "threat intelligence")
"""The list that the platform of the indicators keeps; it is not that of one rule."""
