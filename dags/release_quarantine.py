"""Let refused rows in, after somebody has looked at them and approved.

    refused >> approve >> release >> pages

The form says which rows, who asks and why; both are kept with the rows for ever.

**When it is red**: `refused` or `release` with exit code 2: the form chooses nothing, or nothing
that can become a bar; start another run. `release` with exit code 3: with these rows the gate
blocks the batch; its last line ends with the report. `approve`: nobody answered in a week.
"""

from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import DAG, Param

from tasks import DATE, EVERY_DAG, assets, option, pages, spark_job
from work import BarlakeCommand

TEXT: dict[str, Any] = {"type": ["null", "string"], "maxLength": 200}
PARAMS = {
    "by": Param(type="string", minLength=1, maxLength=200, title="Who asks"),
    "why": Param(type="string", minLength=1, maxLength=250, title="Why"),
    "rule": Param(None, **TEXT, title="Rule", description="That refused them."),
    "ticker": Param(None, **TEXT, title="Ticker"),
    "run": Param(None, **TEXT, title="Run", description="That refused them."),
    "session": Param(None, **DATE, title="Session"),
    "rejudge": Param(default=False, type="boolean", title="Only what today's rules let pass"),
}
CHOSEN = [option(name) for name in ("rule", "ticker", "run", "session")]
BODY = """
{%- set found = ti.xcom_pull(task_ids='refused') -%}
{{ found.rows }} rows, {{ found.released }} of them released before.

Asked for by {{ params.by }}: {{ params.why }}

| rule | rows |
|---|---|
{% for rule in found.rules %}| {{ rule.rule }} | {{ rule.rows }} |
{% endfor %}
{% for row in found.quarantine %}
- {{ row.key }}: {{ row.reason }}
{% endfor %}"""
APPROVER = "{{ ti.xcom_pull(task_ids='approve')['responded_by_user']['name'] }}"

with DAG(
    dag_id="release_quarantine",
    doc_md=__doc__,
    schedule=None,
    params=PARAMS,
    tags=["bars"],
    **EVERY_DAG,
):
    refused = BarlakeCommand(
        task_id="refused",
        arguments=["quarantine", "list", "--rows", "--limit=20", *CHOSEN],
        doc_md="Counts the rows that the form chooses, and shows twenty. Red: its last line says "
        "what is wrong with the form.",
    )
    approve = ApprovalOperator(
        task_id="approve",
        subject="Let refused rows into the lake?",
        body=BODY,
        execution_timeout=None,
        response_timeout=timedelta(days=7),
        doc_md="Waits for somebody to approve or reject; holds no slot meanwhile. Rejected: what "
        "follows is skipped. Red: nobody answered; clear it to ask again.",
    )
    release = spark_job(
        "release",
        "--by={{ params.by }}",
        f"--why={{{{ params.why }}}} (approved by {APPROVER})",
        *CHOSEN,
        "{{ '--rejudge' if params.rejudge else '' }}",
        outlets=assets("ingest", "silver", "gold"),
        doc_md="Lets the rows in: they pass the rule that refused them, and no other. Red: its "
        "last line says why; after exit codes 1 and 4 clear it.",
    )

    refused >> approve >> release >> pages()
