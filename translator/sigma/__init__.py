"""Detections as Sigma rules, correlation rules and filters."""
