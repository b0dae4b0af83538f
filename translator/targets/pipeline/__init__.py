"""The pipeline lane: a plan operator by operator, for languages that are pipelines themselves."""
