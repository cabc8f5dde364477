"""What the replaced system did wrong in a cluster: secrets, images, StorageClasses."""

import asyncio
import base64
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import yaml
from pydantic import ValidationError

from bot_operator import settings
from bot_operator.api.client import Kube
from bot_operator.api.errors import SettingsError
from bot_operator.api.resources import Manifest, Ref
from bot_operator.children.storage import build_claim
from bot_operator.signs.credentials import SecretSeen, Verdict, check_secret, observe_secret
from bot_runtime.contract.conditions import Reason
from bot_runtime.contract.exchange_secret import EXCHANGE_SECRET
from bot_runtime.contract.spec import StorageSpec
from bot_runtime.contract.tradingbot import TradingBotSpec
from tests.resources import bot
from tests.unit.replaced_system.fault import Fault, assert_held_off, each, is_refused
from tools.check_text import check_file
from tools.tree import ROOT

# Placeholder secrets were applied to clusters, and bots started with them.

PLACEHOLDERS = ("replace-me", "changeme", "<your api key>", "")


class OneSecret:
    """An API server that has one object."""

    def __init__(self, secret: Manifest) -> None:
        self.secret = secret

    async def get(self, ref: Ref) -> Manifest:
        assert (ref.namespace, ref.name) == ("bots", "keys"), "another secret is read"
        return self.secret


def see(value: str) -> SecretSeen:
    """Return what the operator sees of a secret whose keys have this value."""
    data = dict.fromkeys(EXCHANGE_SECRET.required, base64.b64encode(value.encode()).decode())
    secret = {"type": EXCHANGE_SECRET.type, "data": data, "metadata": {}}
    return asyncio.run(observe_secret(cast("Kube", OneSecret(secret)), "bots", "keys"))


def check_placeholders_are_refused(judge: Callable[[SecretSeen], Verdict]) -> None:
    for value in PLACEHOLDERS:
        verdict = judge(see(value))
        assert not verdict.valid, f"{value!r} is accepted"
        assert verdict.reason == Reason.SECRET_PLACEHOLDER
        assert "kubectl create secret" in verdict.message
    assert judge(see("k9Zq1TfV3x")).valid, "a real key is refused"


# One cluster's StorageClass was asked for everywhere.


def check_class_is_the_authors(build: Callable[[StorageSpec], Manifest]) -> None:
    fast = build(StorageSpec(storage_class_name="fast"))
    assert fast["spec"]["storageClassName"] == "fast"
    assert "storageClassName" not in build(StorageSpec())["spec"], "a StorageClass is made up"


def claim(storage: StorageSpec) -> Manifest:
    """Return the claim of a bot."""
    owner = bot()
    owner["metadata"] |= {"uid": "u", "namespace": "bots"}
    return build_claim(owner, {}, storage)


def claim_of_one_cluster(storage: StorageSpec) -> Manifest:
    """Return the same with a StorageClass that nobody named."""
    manifest = claim(storage)
    return {**manifest, "spec": {"storageClassName": "standard", **manifest["spec"]}}


@each(
    Fault(
        "placeholder secrets in clusters",
        check_placeholders_are_refused,
        lambda seen: check_secret(seen, "bots"),
        lambda seen: check_secret(replace(seen, faults={}), "bots"),
        "'replace-me' is accepted",
    ),
    Fault(
        "hardcoded StorageClass",
        check_class_is_the_authors,
        claim,
        claim_of_one_cluster,
        "a StorageClass is made up",
    ),
)
def test_operator(fault: Fault[Any]) -> None:
    assert_held_off(fault)


# Images that were latest, or had no tag, wherever an image can be named.

FLOATING = ("registry.example/bot:latest", "bot", "registry.example:5000/bot")
FIXED = ("registry.example:5000/bot:1.2.3", f"bot@sha256:{'0' * 64}")
Refuses = Callable[[str], bool]


def check_floating_images_are_refused(refuses: Refuses) -> None:
    for image in FLOATING:
        assert refuses(image), f"{image} is accepted"
    for image in FIXED:
        assert not refuses(image), f"{image} is refused"


def refused_by_settings(image: str) -> bool:
    """Tell whether the operator refuses to start with the image."""
    environment = {
        settings.NAMESPACE: "bots",
        settings.TRAINING_IMAGE: FIXED[0],
        settings.INFERENCE_IMAGE: image,
    }
    return is_refused(SettingsError, lambda: settings.load_settings(environment))


def refused_by_spec(image: str) -> bool:
    """Tell whether a bot with the image is refused."""
    spec = bot(images={"training": image})["spec"]
    return is_refused(ValidationError, lambda: TradingBotSpec.model_validate(spec))


def refused_by_text_check(image: str) -> bool:
    """Tell whether a manifest with the image cannot be committed."""
    return bool(check_file(Path("manifests/a.yaml"), f"image: {image}\n".encode()))


def only_without_tag(refuses: Refuses) -> Refuses:
    """Return a rule that does not know `latest`."""
    return lambda image: refuses(image.replace(":latest", ":1.0"))


def only_latest(refuses: Refuses) -> Refuses:
    """Return a rule that does not know that no tag is `latest`, too."""
    return lambda image: image.endswith(":latest") and refuses(image)


@each(
    *(
        Fault(
            f"{what}, {refuses.__name__}",
            check_floating_images_are_refused,
            refuses,
            mutate(refuses),
            f"{accepted} is accepted",
        )
        for refuses in (refused_by_settings, refused_by_spec, refused_by_text_check)
        for what, mutate, accepted in (
            ("image latest", only_without_tag, FLOATING[0]),
            ("image without a tag", only_latest, FLOATING[1]),
        )
    )
)
def test_images(fault: Fault[Any]) -> None:
    assert_held_off(fault)


CRD = (ROOT / "crds" / "tradingbots.botcripto.io.yaml").read_text(encoding="utf-8")
LATEST = "!self.endsWith(':latest')"
NO_TAG = "self.contains('@') || self.matches("


def image_rules(without: str | None = None) -> dict[str, list[str]]:
    """Return what the API server holds of each image, but for the rules with a text."""
    (version,) = yaml.safe_load(CRD)["spec"]["versions"]
    spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return {
        name: [
            entry["rule"]
            for entry in image["x-kubernetes-validations"]
            if without is None or without not in entry["rule"]
        ]
        for name, image in spec["properties"]["images"]["properties"].items()
    }


def check_the_api_server_holds_the_rules(images: dict[str, list[str]]) -> None:
    """Else Python alone would refuse; integration tests ask a real API server."""
    assert set(images) == {"training", "treesTraining", "inference"}
    for name, rules in images.items():
        assert any(LATEST in rule for rule in rules), f"{name}: latest passes"
        assert any(NO_TAG in rule for rule in rules), f"{name}: no tag passes"


@each(
    *(
        Fault(
            f"the API server lets an image pass: {words}",
            check_the_api_server_holds_the_rules,
            image_rules(),
            image_rules(without=rule),
            words,
        )
        for rule, words in ((LATEST, "latest passes"), (NO_TAG, "no tag passes"))
    )
)
def test_custom_resource_definition(fault: Fault[Any]) -> None:
    assert_held_off(fault)


DEPLOYMENT = (ROOT / "manifests" / "base" / "deployment.yaml").read_text(encoding="utf-8")


def check_the_released_pair_is_fixed(manifest: str) -> None:
    (container,) = yaml.safe_load(manifest)["spec"]["template"]["spec"]["containers"]
    environment = {e["name"]: e["value"] for e in container["env"] if "value" in e}
    environment[settings.NAMESPACE] = "bots"
    refused = is_refused(SettingsError, lambda: settings.load_settings(environment))
    assert not refused, "the operator would not start with these images"


@each(
    Fault(
        "bots ran latest by default",
        check_the_released_pair_is_fixed,
        DEPLOYMENT,
        re.sub(r"value: (\S+/infer):\S+", r"value: \1:latest", DEPLOYMENT),
        "would not start",
    )
)
def test_deployment(fault: Fault[Any]) -> None:
    assert_held_off(fault)
