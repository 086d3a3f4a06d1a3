"""Long reports are outlined in a cluster of one's own, on plain Kubernetes."""

from hyfn import kubernetes


@kubernetes(min_instances=1, max_instances=3)
def outline(report: str) -> list[str]:
    """The headings of a report in Markdown, each indented by its level."""
    headings = [line for line in report.splitlines() if line.startswith("#")]
    return [f"{'  ' * (len(line.split()[0]) - 1)}{line.lstrip('#').strip()}" for line in headings]


if __name__ == "__main__":
    print("\n".join(outline("# Rivers\nWater.\n## Rhine\nLong.\n")))
