"""The three kinds of panels: a graph over time, one number, a table of what is so now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import common as c
from grafana_foundation_sdk.builders import stat, table, timeseries
from grafana_foundation_sdk.builders.dashboard import DashboardLink, ThresholdsConfig
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.dashboard import (
    DashboardLinkType,
    DataSourceRef,
    DataTransformerConfig,
    DynamicConfigValue,
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMappingResult,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from dashboards.links import runbook

SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
HEIGHT = 8
REF_IDS = "ABCDEFGH"
VERDICTS = {"coordinated": "red", "mixed": "orange", "insufficient": "yellow", "organic": "green"}
SEVERITIES = {"critical": "red", "warning": "orange", "info": "green"}
"""Colours of verdicts and of severities, the same on every panel."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A query, and what its series are called: words, with {{label}} where a label's value belongs."""

    expr: str
    legend: str
    exemplars: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its heading, a query that gives one value for each row, and the unit."""

    heading: str
    expr: str
    unit: str


def graph(title: str, unit: str, description: str, *asks: Ask, width: int = 8, alert: str = "") -> timeseries.Panel:
    """Lines over time, from 0; `width` of 24. `alert` names the alert that watches the same; its runbook is linked."""
    panel = (
        timeseries.Panel()
        .title(title).description(description).datasource(SOURCE).unit(unit).min(0).span(width).height(HEIGHT)
        .line_width(1).fill_opacity(10).show_points(common.VisibilityMode.AUTO)
        .legend(c.VizLegendOptions().show_legend(True).display_mode(common.LegendDisplayMode.LIST)
                .placement(common.LegendPlacement.BOTTOM))
        .tooltip(c.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI).sort(common.SortOrder.DESCENDING))
        .links(_runbook_of(alert))
    )  # fmt: skip
    for ref_id, ask in zip(REF_IDS, asks, strict=False):
        panel.with_target(_query(ask.expr, ref_id).range().legend_format(ask.legend).exemplar(ask.exemplars))
    return panel


def limited(panel: timeseries.Panel, limit: float) -> timeseries.Panel:
    """Draw a dashed red line at `limit`, in the panel's unit."""
    style = c.GraphThresholdsStyleConfig().mode(common.GraphThresholdsStyleMode.DASHED)
    return panel.thresholds(_from(limit, "red", "transparent")).thresholds_style(style)


def counted(panel: timeseries.Panel) -> timeseries.Panel:
    """Bars on top of each other, for what is rare: how many in a minute or, zoomed out, since the bar before."""
    stacked = c.StackingConfig().mode(common.StackingMode.NORMAL).group("A")
    # below a minute each would stand in several bars, since a growth needs more than one scrape to be seen
    return panel.interval("1m").decimals(0).draw_style(common.GraphDrawStyle.BARS).fill_opacity(80).stacking(stacked)


def coloured(panel: timeseries.Panel, colours: Mapping[str, str] = VERDICTS) -> timeseries.Panel:
    """Give series of these names their colours."""
    for name, colour in colours.items():
        panel.override_by_name(name, [DynamicConfigValue("color", {"mode": "fixed", "fixedColor": colour})])
    return panel


def number(
    title: str, unit: str, description: str, expr: str, *, red_from: float | None = None, red_below: float | None = None,
    alert: str = "", else_say: str = "–",
) -> stat.Panel:
    """One number and its course; red from `red_from` on, or below `red_below`. `else_say` is shown where there is none."""
    thresholds = _from(red_from, "red", "green") if red_below is None else _from(red_below, "green", "red")
    return (
        stat.Panel()
        .title(title).description(description).datasource(SOURCE).unit(unit).span(4).height(4).no_value(else_say)
        .graph_mode(common.BigValueGraphMode.AREA).color_mode(common.BigValueColorMode.VALUE)
        .reduce_options(c.ReduceDataOptions().calcs(["lastNotNull"]))
        .thresholds(thresholds).links(_runbook_of(alert))
        .with_target(_query(expr, "A").range().legend_format(title))
    )  # fmt: skip


def worded(panel: stat.Panel, words: Mapping[str, str]) -> stat.Panel:
    """Show words for these values."""
    options = {value: ValueMappingResult(text=text, index=place) for place, (value, text) in enumerate(words.items())}
    return panel.mappings([ValueMap(options)])


def listing(title: str, description: str, *columns: Column, rows: Sequence[str], width: int = 24) -> table.Panel:
    """A table of now: a row for each combination of the labels in `rows`, which come first. An alertname leads to its runbook."""
    # Grafana names the values of several queries after these, and those of a single one not
    named = [f"Value #{ref_id}" for ref_id in REF_IDS] if len(columns) > 1 else ["Value"]
    headings = {name: column.heading for name, column in zip(named, columns, strict=False)}
    order = {name: place for place, name in enumerate([*rows, *headings])}
    panel = (
        table.Panel()
        .title(title).description(description).datasource(SOURCE).unit("short").span(width).height(HEIGHT)
        .with_transformation(DataTransformerConfig("merge", options={}))
        .with_transformation(DataTransformerConfig("organize", options={
            "excludeByName": {"Time": True}, "indexByName": order, "renameByName": headings,
        }))
    )  # fmt: skip
    if "alertname" in rows:
        link = {"title": "What to do about it", "url": runbook("${__value.raw}"), "targetBlank": True}
        panel.override_by_name("alertname", [DynamicConfigValue("links", [link])])
    for ref_id, column in zip(REF_IDS, columns, strict=False):
        panel.with_target(_query(column.expr, ref_id).instant().format(PromQueryFormat.TABLE))
        panel.override_by_name(column.heading, [DynamicConfigValue("unit", column.unit)])
    return panel


def _query(expr: str, ref_id: str) -> Dataquery:
    return Dataquery().expr(expr).ref_id(ref_id).datasource(SOURCE)


def _from(limit: float | None, colour: str, below: str) -> ThresholdsConfig:
    steps = [Threshold(value=None, color=below)]
    if limit is not None:
        steps.append(Threshold(value=limit, color=colour))
    return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)


def _runbook_of(alert: str) -> list[Builder[models.DashboardLink]]:
    if not alert:
        return []
    link = DashboardLink(f"What to do about {alert}").type(DashboardLinkType.LINK).url(runbook(alert))
    return [link.target_blank(True)]
