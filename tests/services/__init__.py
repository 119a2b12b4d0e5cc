"""Services that tests start for real: Kafka, Prometheus, Alertmanager and the receivers of their messages."""
