"""The query languages that detections are written in: one folder each, all behind ``base.Target``."""
