"""The parts of a spec that both custom resources share; those of its pods are in podspec."""

from typing import Annotated, Literal

from pydantic import Field

from bot_runtime.contract.base import Model, ObjectName
from bot_runtime.contract.newer_fields import newer
from bot_runtime.contract.rules import Rule, matches

Algorithm = Literal["GradientBoosting", "TemporalFusionTransformer"]
WITHOUT_TORCH: frozenset[Algorithm] = frozenset({"GradientBoosting"})
"""Algorithms that train in an image without torch, `train-trees`."""
Policy = Literal["Thresholds", "VolatilityManaged"]
Objective = Literal["Trend", "Return", "Risk"]
OBJECTIVES: tuple[Objective, ...] = ("Trend", "Return", "Risk")

Symbol = Annotated[
    str,
    Field(max_length=41),
    matches(
        "[A-Z0-9]{1,20}/[A-Z0-9]{1,20}",
        "is not a market: write BASE/QUOTE in capitals, such as BTC/USDT",
    ),
]
Symbols = Annotated[
    tuple[Symbol, ...],
    Field(
        min_length=1,
        max_length=10,
        description="Markets to trade, as BASE/QUOTE: BTC/USDT. One model is trained over all.",
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
    ),
    Rule(
        "self.all(s, self.exists_one(t, t == s))",
        "symbols has a duplicate: name each market once",
        lambda symbols: len(set(symbols)) == len(symbols),
    ),
]


class ExchangeSpec(Model):
    """Where candles come from and where orders would go."""

    id: Annotated[
        str,
        Field(max_length=32),
        matches(
            "[a-z0-9]{2,32}",
            "is not ccxt's id of an exchange: write a-z and 0-9, such as binance",
        ),
    ] = Field(description="Name of the exchange as ccxt spells it, such as binance or kraken.")
    market_type: Literal["Spot"] = Field(
        default="Spot", description="Kind of market that is traded; Spot is the only one."
    )
    credentials_secret: ObjectName | None = Field(
        default=None,
        description=(
            "Name of a Secret of type botcripto.io/exchange with the keys apiKey and apiSecret. "
            "Needed for mode Live; in mode Paper the key is only checked."
        ),
    )
    endpoint: (
        Annotated[
            str,
            Field(max_length=253),
            matches(
                r"https?://([A-Za-z0-9.-]+|\[[0-9a-fA-F:.]+\])(:[0-9]{1,5})?",
                "is not a base address: write http(s)://host[:port] without a path, such as "
                "http://exchange.default.svc:8080",
            ),
        ]
        | None
    ) = Field(
        default=None,
        description=(
            "Base address of another server that speaks the exchange's API (a test exchange); "
            "unset: the exchange's own."
        ),
    )


class GradientBoostingSpec(Model):
    """Hyperparameters of gradient-boosted trees."""

    max_iterations: int = Field(
        default=300,
        ge=10,
        le=5000,
        description="Most rounds of boosting; fewer where the unseen candles gain no more.",
    )
    learning_rate: float = Field(
        default=0.05,
        gt=0,
        le=1,
        description="Share of each round's correction that is kept, above 0 up to 1.",
    )
    max_leaf_nodes: int = Field(
        default=31, ge=2, le=512, description="Most leaves that one tree may have."
    )
    min_samples_leaf: int = Field(
        default=50, ge=1, le=10000, description="Fewest rows of training data in one leaf."
    )


class TemporalFusionTransformerSpec(Model):
    """Hyperparameters of the Temporal Fusion Transformer (Lim et al., 2021)."""

    hidden_size: int = Field(
        default=16, ge=4, le=256, description="Units in each hidden layer of the network."
    )
    attention_heads: int = Field(
        default=1,
        ge=1,
        le=8,
        description="Heads of the attention, among which the hidden units are divided.",
    )
    dropout: float = Field(
        default=0.1,
        ge=0,
        lt=1,
        description="Share of the units that is left out at random in fitting, 0 up to below 1.",
    )
    learning_rate: float = Field(
        default=0.01,
        gt=0,
        le=1,
        description="Largest share of a gradient that one step follows, above 0 up to 1.",
    )
    batch_size: int = Field(
        default=128, ge=8, le=4096, description="Windows of candles in one optimiser step."
    )
    max_epochs: int = Field(
        default=8, ge=1, le=500, description="Most passes over all windows (epochs)."
    )
    max_steps_per_epoch: int = Field(
        default=200,
        ge=1,
        le=100000,
        description="Most optimiser steps in one pass over the windows.",
    )


class ModelSpec(Model):
    """What is learned, and by which candidates."""

    candidates: Annotated[
        tuple[Algorithm, ...],
        Rule(
            "self.all(s, self.exists_one(t, t == s))",
            "candidates has a duplicate: name each algorithm once",
            lambda names: len(set(names)) == len(names),
        ),
    ] = Field(
        default=("GradientBoosting", "TemporalFusionTransformer"),
        min_length=1,
        max_length=2,
        description=(
            "Algorithms that every objective trains; the better one out of sample is taken."
        ),
        # Not a set: server-side apply would merge the user's list with the default one.
        json_schema_extra={"x-kubernetes-list-type": "atomic"},
    )
    horizon_steps: int = Field(
        default=5, ge=1, le=288, description="Candles ahead that a prediction spans."
    )
    triple_barrier_width: float | None = Field(
        default=None,
        ge=0.25,
        le=10,
        description=(
            "Labels the trend by the triple-barrier method: the first close so far from today's, "
            "in units of the volatility over horizonSteps, decides; unset, the sign of the return."
        ),
    )
    encoder_length: int = Field(
        default=60, ge=8, le=512, description="Candles of history that a sequence model sees."
    )
    seed: int = Field(
        default=7,
        ge=0,
        le=2_147_483_647,
        description="Seed of every random draw, without unit; the same one gives the same model.",
    )
    gradient_boosting: GradientBoostingSpec = Field(
        default_factory=GradientBoostingSpec, description="Hyperparameters of GradientBoosting."
    )
    temporal_fusion_transformer: TemporalFusionTransformerSpec = Field(
        default_factory=TemporalFusionTransformerSpec,
        description="Hyperparameters of TemporalFusionTransformer.",
    )


class GateSpec(Model):
    """When a trained version may be promoted."""

    mode: Literal["Enforce", "Off"] = Field(
        default="Enforce",
        description=(
            "Enforce: on unseen candles, the version must beat naive forecasts in probability and "
            "return, and must be worse neither than them in volatility nor than the champion in "
            "anything. Each difference counts where it is statistically significant. Off: any "
            "version that passed parity with finite metrics is promoted."
        ),
    )
    margin: float = Field(
        default=0.0,
        ge=0,
        le=0.5,
        description=(
            "Least relative improvement of log loss and pinball loss over naive forecasts "
            "(0.01 = 1 %)."
        ),
    )
    champion_margin: float = Field(
        default=0.0,
        ge=0,
        le=0.5,
        description=(
            "Least relative improvement of every loss over the champion (0.01 = 1 %). 0: must not "
            "be significantly worse than the champion, as it has seen newer candles."
        ),
    )


class DecisionSpec(Model):
    """The policy and the thresholds that turn predictions into decisions."""

    policy: Policy = newer(
        "Thresholds",
        description=(
            "Thresholds: buys where the thresholds are met. VolatilityManaged: holds the asset "
            "with a share that follows risk.positionVolatility by the predicted volatility, and "
            "nothing where risk_score is above riskMax."
        ),
    )
    risk_max: float = Field(
        default=0.9,
        ge=0,
        le=1,
        description="No trade where risk_score (share of calmer training rows) is above this.",
    )
    prob_min: float = Field(
        default=0.55,
        ge=0.5,
        le=1,
        description="Least probability of the direction, 0.5 to 1; SHORT needs 1 - prob_up of it.",
    )
    min_expected_return: float = Field(
        default=0.0005,
        ge=0,
        le=1,
        description=(
            "Least expected return over the horizon after a round trip's fees (0.001 = 0.1 %)."
        ),
    )
    fees_bps: float = Field(
        default=10.0,
        ge=0,
        le=1000,
        description="Fee of one side in basis points (10 = 0.1 %), paid twice in a round trip.",
    )
    slippage_bps: float = newer(
        5.0,
        ge=0,
        le=1000,
        description="What a fill loses to the open after its decision, in basis points, one side.",
    )


class StorageSpec(Model):
    """The volume that holds candles, trainings, versions and signals."""

    existing_claim: ObjectName | None = Field(
        default=None,
        description=(
            "Name of a PersistentVolumeClaim to use; no other is made then. One that an earlier "
            "bot retained, or one of your own with the label botcripto.io/adopt=allowed."
        ),
    )
    storage_class_name: ObjectName | None = Field(
        default=None,
        description="Name of the StorageClass of the claim; unset takes the cluster's default.",
    )
    size: Annotated[
        str,
        Field(max_length=16),
        matches(
            "[1-9][0-9]{0,6}(Mi|Gi|Ti)",
            "is not a size: write a whole number and Mi, Gi or Ti, such as 2Gi",
        ),
    ] = Field(default="2Gi", description="Size of the claim in Mi, Gi or Ti; it can only grow.")
    access_mode: Literal["ReadWriteOnce", "ReadWriteMany"] = Field(
        default="ReadWriteOnce",
        description="ReadWriteOnce keeps all pods of the store on one node.",
    )
    reclaim_policy: Literal["Delete", "Retain"] = Field(
        default="Delete",
        description="What happens to the claim when its owner is deleted.",
    )
