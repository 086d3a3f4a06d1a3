"""The same work on every platform: what the benches call."""

from __future__ import annotations

from hyfn import aws, azure, gcp, knative, local


@aws
def on_lambda(text: str) -> str:
    return text.upper()


@gcp
def on_framework(text: str) -> str:
    return text.upper()


@azure
def on_azure(text: str) -> str:
    return text.upper()


@azure
async def on_azure_async(text: str) -> str:
    return text.upper()


@knative(runtime="func")
def on_func(text: str) -> str:
    return text.upper()


@knative(runtime="func")
async def on_func_async(text: str) -> str:
    return text.upper()


@knative
def on_knative(text: str) -> str:
    return text.upper()


@local
def on_local(text: str) -> str:
    return text.upper()
