"""What all dashboards have in common: variables, annotations, links, time."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import (
    Dashboard,
    DashboardLink,
    DatasourceVariable,
    QueryVariable,
    Row,
)
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import (
    AnnotationQuery,
    DashboardCursorSync,
    DashboardLinkType,
    Panel,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from dashboards.links import CONSOLE, RUNBOOKS
from dashboards.panels import SOURCE
from dashboards.queries import ACCUSING, FIRING, SCOPE, by, change, increase

SOURCE_UID = "pollwatch-prometheus"
"""Of the data source in deploy/grafana/provisioning/datasources/; where there is none of it, Grafana takes another Prometheus."""
TITLES = {"pollwatch-overview": "Overview", "pollwatch-polls": "Polls by slot", "pollwatch-pipeline": "Pipeline"}
PAGES = '{__name__=~"pollwatch_build_info|pollwatch_webhook_waiting_messages"%s}'
"""One is on the page of each worker, the other on that of `pollwatch notify`."""
EVERYTHING = VariableOption(True, "All", "$__all")


class Marks(Builder[AnnotationQuery]):
    """Marks over all graphs wherever a query is above 0. `title` and `text` may hold {{label}}."""

    def __init__(self, name: str, expr: str, colour: str, title: str, text: str = "", *, value_is_ms: bool = False) -> None:
        self._made = _Marks(name=name, datasource=SOURCE, enable=True, icon_color=colour, expr=expr)
        # Grafana reads these beside the fields that its SDK knows
        self._made.more = {"titleFormat": title, "textFormat": text, "useValueForTime": value_is_ms}

    def build(self) -> AnnotationQuery:
        """The annotation as Grafana stores it."""
        return self._made


class _Marks(AnnotationQuery):
    more: dict[str, object]

    def to_json(self) -> dict[str, object]:
        return super().to_json() | self.more


FIRING_MARKS = Marks("Firing alerts", FIRING, "red", "{{alertname}}", "{{severity}}")

CASE_MARKS = (
    Marks("Cases opened", f"{by('verdict', increase('pollwatch_cases_opened_total'))} > 0", "blue", "Case opened", "first verdict: {{verdict}}"),
    # of most cases the first verdict is insufficient: when they come to accuse is told apart
    Marks("Cases that accuse", f"{by('verdict', change('pollwatch_cases_open', ACCUSING))} > 0", "orange", "A case is called {{verdict}}"),
)


def frame(uid: str, description: str, *marks: Marks) -> Dashboard:
    """An empty dashboard that keeps to the conventions: what is shown is chosen by data source, job and instance."""
    dashboard = (
        Dashboard(f"Pollwatch / {TITLES[uid]}")
        .uid(uid).description(description).tags(["pollwatch", "generated"]).readonly()
        .time("now-1h", "now").refresh("10s").timezone("utc").tooltip(DashboardCursorSync.CROSSHAIR)
        .with_variable(DatasourceVariable("datasource").label("Data source").type("prometheus")
                       .current(VariableOption(True, SOURCE_UID, SOURCE_UID)))
        .with_variable(chosen("job", f"label_values({PAGES % ''}, job)", EVERYTHING))
        .with_variable(chosen("instance", f"""label_values({PAGES % ',job=~"$job"'}, instance)""", EVERYTHING))
    )  # fmt: skip
    for each in marks:
        dashboard.annotation(each)
    for other, title in TITLES.items():
        if other != uid:
            dashboard.link(_link(title, f"/d/{other}").include_vars(True).keep_time(True))
    return dashboard.link(_link("Runbooks", RUNBOOKS).target_blank(True)).link(_link("Console", CONSOLE).target_blank(True))


def row(made: Dashboard, title: str, *panels: Builder[Panel], for_each: str = "") -> None:
    """Add a row of panels; with `for_each`, one row for each chosen value of that variable."""
    made.with_row(Row(title).repeat(for_each) if for_each else Row(title))
    for panel in panels:
        made.with_panel(panel)


def chosen(label: str, query: str, at_first: VariableOption) -> QueryVariable:
    """A variable of the values a label has in the time shown; several can be chosen, or all."""
    return (
        QueryVariable(label)
        .label(label).datasource(SOURCE).query(query).multi(True).include_all(True).all_value(".+").current(at_first)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED).sort(VariableSort.NATURAL_ASC)
    )  # fmt: skip


def slot_variable() -> QueryVariable:
    """Which slots are drawn one by one: the first three until somebody chooses."""
    query = f"label_values(pollwatch_top_poll_votes_per_second{{{SCOPE}}}, slot)"
    return chosen("slot", query, VariableOption(True, ["0", "1", "2"], ["0", "1", "2"]))


def _link(title: str, url: str) -> DashboardLink:
    return DashboardLink(title).type(DashboardLinkType.LINK).url(url)
