"""The stand-in for a cluster refuses what a cluster refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fakes.kubernetes import APPLY, TOKEN, Cluster

pytestmark = pytest.mark.spec

SERVING = "/apis/serving.knative.dev/v1/namespaces/shop/services"
DEPLOYMENTS = "/apis/apps/v1/namespaces/shop/deployments"
SECRETS = "/api/v1/namespaces/shop/secrets"
KINDS = {SERVING: "Service", DEPLOYMENTS: "Deployment", SECRETS: "Secret"}


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with Cluster(lag=1) as made:
        yield made


def send(
    cluster: Cluster, method: str, path: str, body: Any = None, token: str = TOKEN, **params: str
) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": APPLY if method == "PATCH" else "application/json"}
    params = {"fieldManager": "hyfn", **params}
    content = json.dumps(body) if body is not None else None
    response = httpx.request(method, cluster.url + path, headers=headers, params=params, content=content)
    return response.status_code, response.json()


def apply(cluster: Cluster, path: str, name: str, spec: Any, **more: Any) -> tuple[int, Any]:
    """`more` are the manager, the force, and further metadata."""
    version = path.split("/namespaces")[0].removeprefix("/apis/").removeprefix("/api/")
    params = {key: more.pop(key) for key in ("fieldManager", "force") if key in more}
    body = {"apiVersion": version, "kind": KINDS[path], "metadata": {"name": name, **more}, **spec}
    return send(cluster, "PATCH", f"{path}/{name}", body, **params)


def service(template: Any = None, traffic: Any = None, **pod: Any) -> dict[str, Any]:
    spec = {"containers": [{"name": "function", "image": "a"}], **pod}
    found: dict[str, Any] = {"template": {"metadata": template or {}, "spec": spec}}
    return {"spec": {**found, **({"traffic": traffic} if traffic else {})}}


def deployment(label: str = "a", version: str = "a") -> dict[str, Any]:
    pod = {"containers": [{"name": "function", "image": version}]}
    template = {"metadata": {"labels": {"name": label}}, "spec": pod}
    return {"spec": {"selector": {"matchLabels": {"name": label}}, "template": template}}


def test_who_has_no_token_is_refused(cluster: Cluster) -> None:
    assert send(cluster, "GET", SERVING, token="wrong")[0] == 401
    assert cluster.requests == []


def test_what_rbac_forbids_is_refused(cluster: Cluster) -> None:
    cluster.forbidden.add(("list", "secrets"))
    status, said = send(cluster, "GET", SECRETS)
    assert (status, said["reason"]) == (403, "Forbidden")


WRONG_SERVICES = [
    (service({"name": "other-1"}), "must have prefix 'price-'"),
    (service(traffic=[{"revisionName": "price-1", "percent": 90}]), "sum to not 100"),
    (service(traffic=[{"percent": 100}]), "one is needed"),
    (service(timeoutSeconds=6000), "timeoutSeconds"),
    (service(nodeSelector={"a": "b"}), "unknown field"),
    (service(volumes=[{"name": "x", "emptyDir": {}}]), "unknown field"),
]


@pytest.mark.parametrize(("spec", "said"), WRONG_SERVICES, ids=lambda each: str(each)[:30])
def test_knative_refuses_what_it_cannot_make(cluster: Cluster, spec: Any, said: str) -> None:
    status, answer = apply(cluster, SERVING, "price", spec)
    assert status in (400, 422)
    assert said in answer["message"]
    assert cluster.left() == set()


def test_a_named_template_changes_with_its_name_alone(cluster: Cluster) -> None:
    assert apply(cluster, SERVING, "price", service({"name": "price-1"}))[0] == 200
    status, said = apply(cluster, SERVING, "price", service({"name": "price-1"}, timeoutSeconds=7))
    assert status == 422
    assert "without a name change" in said["message"]


def test_a_revision_s_name_is_not_used_again(cluster: Cluster) -> None:
    for number, seconds in ((1, 5), (2, 5), (1, 6)):
        apply(cluster, SERVING, "price", service({"name": f"price-{number}"}, timeoutSeconds=seconds))
        for _ in range(4):
            found = send(cluster, "GET", f"{SERVING}/price")[1]
    [configured] = [each for each in found["status"]["conditions"] if each["type"] == "ConfigurationsReady"]
    assert configured["reason"] == "RevisionNameTaken"


def test_a_revision_without_an_image_keeps_the_service_unready_but_not_without_url(cluster: Cluster) -> None:
    cluster.broken.add("a")
    apply(cluster, SERVING, "price", service())
    for _ in range(4):
        found = send(cluster, "GET", f"{SERVING}/price")[1]
    assert found["status"]["url"] == "http://price.shop.example.com"
    assert {each["type"]: each["status"] for each in found["status"]["conditions"]}["Ready"] == "False"


WRONG_DEPLOYMENTS = [
    ({"spec": {**deployment()["spec"], "replica": 1}}, "replica"),
    ({"spec": {**deployment()["spec"], "replicas": "1"}}, "replicas"),
    ({"spec": {**deployment()["spec"], "selector": {"matchLabels": {"name": "b"}}}}, "does not match"),
]


@pytest.mark.parametrize(("spec", "said"), WRONG_DEPLOYMENTS, ids=lambda each: str(each)[:30])
def test_kubernetes_refuses_what_its_schema_does(cluster: Cluster, spec: Any, said: str) -> None:
    status, answer = apply(cluster, DEPLOYMENTS, "price", spec)
    assert status in (400, 422)
    assert said in answer["message"]


def test_what_a_deployment_selects_stays(cluster: Cluster) -> None:
    assert apply(cluster, DEPLOYMENTS, "price", deployment())[0] == 200
    status, said = apply(cluster, DEPLOYMENTS, "price", deployment("b"), force="true")
    assert status == 422
    assert "immutable" in said["message"]


def test_a_field_of_another_manager_is_a_conflict_unless_forced(cluster: Cluster) -> None:
    apply(cluster, DEPLOYMENTS, "price", deployment())
    status, said = apply(cluster, DEPLOYMENTS, "price", deployment(version="b"), fieldManager="other")
    assert (status, said["reason"]) == (409, "Conflict")
    assert 'conflict with "hyfn"' in said["message"]
    assert apply(cluster, DEPLOYMENTS, "price", deployment(version="b"), fieldManager="other", force="true")[0] == 200
    assert apply(cluster, DEPLOYMENTS, "price", deployment())[0] == 409


def test_what_is_stated_no_more_goes(cluster: Cluster) -> None:
    apply(cluster, DEPLOYMENTS, "price", deployment(), labels={"a": "1", "b": "2"})
    _, found = apply(cluster, DEPLOYMENTS, "price", deployment(), labels={"a": "1"})
    assert found["metadata"]["labels"] == {"a": "1"}


def test_a_stale_resource_version_is_refused(cluster: Cluster) -> None:
    _, first = apply(cluster, DEPLOYMENTS, "price", deployment())
    apply(cluster, DEPLOYMENTS, "price", deployment(version="b"))
    stale = first["metadata"]["resourceVersion"]
    assert apply(cluster, DEPLOYMENTS, "price", deployment(version="c"), resourceVersion=stale)[0] == 409


@pytest.mark.parametrize(
    "metadata",
    [{"labels": {"hyfn:app": "x"}}, {"labels": {"app": "a b"}}, {"annotations": {"a": "x" * 300_000}}],
    ids=lambda each: str(each)[:30],
)
def test_labels_and_annotations_have_their_rules(cluster: Cluster, metadata: dict[str, Any]) -> None:
    assert apply(cluster, SECRETS, "price", {"data": {}}, **metadata)[0] == 422


def test_a_secret_holds_base64(cluster: Cluster) -> None:
    assert apply(cluster, SECRETS, "price", {"data": {"a": "no!"}})[0] == 422


def test_another_object_of_the_name_is_not_deleted(cluster: Cluster) -> None:
    _, found = apply(cluster, SECRETS, "price", {"data": {}})
    assert send(cluster, "DELETE", f"{SECRETS}/price", {"preconditions": {"uid": "other"}})[0] == 409
    uid = found["metadata"]["uid"]
    options = {"preconditions": {"uid": uid}, "propagationPolicy": "Foreground"}
    assert send(cluster, "DELETE", f"{SECRETS}/price", options)[1]["metadata"]["deletionTimestamp"]
    send(cluster, "GET", f"{SECRETS}/price")
    assert cluster.left() == set()


def test_what_is_no_json_is_refused(cluster: Cluster, tmp_path: Path) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": APPLY}
    response = httpx.patch(f"{cluster.url}{SECRETS}/a", headers=headers, content=b"{", params={"fieldManager": "x"})
    assert response.status_code == 400
