"""Grafana's dashboards as code. Knows Grafana and the names of metrics; imports nothing of Pollwatch, and is not part of the wheel."""
