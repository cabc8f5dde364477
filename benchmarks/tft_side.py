"""One side of `train-tft`, in a process of its own: `benchmarks.tft_side SIDE FILE THREADS`.

Both sides fit the same network to the same rows with the same optimiser steps. The speed is that
of the steps between a short fit and a long one, so what either does once counts for neither.
Prints one JSON line: samples per second and per CPU second, and peak memory above that after the
imports, in MiB. THREADS 0 are those that the product takes.
"""

import functools
import json
import resource
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import lightning.pytorch as pl
import numpy as np
import pyarrow as pa
import torch
from pytorch_forecasting import TemporalFusionTransformer, TimeSeriesDataSet
from pytorch_forecasting.data.encoders import TorchNormalizer
from pytorch_forecasting.metrics import QuantileLoss

from benchmarks.learning_rows import ENCODER, LearningRows
from bot_runtime.contract.spec import ModelSpec
from bot_runtime.learning.models import temporal_fusion_transformer as own
from bot_runtime.learning.models.forecaster import Task
from bot_runtime.process.threads import cpu_count
from bot_runtime.scoring.scores import QUANTILES

BATCH, HIDDEN, DROPOUT, RATE = 128, 16, 0.1, 0.01
SHORT, LONG = 10, 60
SELECTION_ROWS = 512


def fit_own(rows: LearningRows, threads: int, steps: int) -> None:
    """Fit by the product's forecaster."""
    task = Task(
        objective="Return",
        features=rows.features,
        target=rows.targets["Return"],
        fit=rows.fit,
        selection=rows.selection[:SELECTION_ROWS],
        spec=_spec(steps),
        threads=threads,
        progress=lambda *_: None,
    )
    own.TemporalFusionTransformer.fit(task)


def _spec(steps: int) -> ModelSpec:
    network = {
        "hiddenSize": HIDDEN,
        "batchSize": BATCH,
        "dropout": DROPOUT,
        "learningRate": RATE,
        "maxEpochs": 1,
        "maxStepsPerEpoch": steps,
    }
    return ModelSpec.model_validate(
        {"encoderLength": ENCODER, "temporalFusionTransformer": network}
    )


def plain_fit(rows: LearningRows) -> Callable[[int], None]:
    """Return the library's recipe: one dataset, its dataloaders, a Trainer for each fit.

    A row's label is the target of the next time index, so that the encoder ends at that row.
    """
    names = [f"feature_{i}" for i in range(rows.features.shape[1])]
    mean, deviation = (f(rows.features[rows.fit], axis=0) for f in (np.mean, np.std))
    first, end = int(rows.fit[0]) - ENCODER + 1, int(rows.selection[SELECTION_ROWS]) + 2
    scaled = np.clip((rows.features - mean) / deviation, -6, 6).astype(np.float32)
    columns = {name: scaled[first:end, i] for i, name in enumerate(names)}
    columns["label"] = np.nan_to_num(rows.targets["Return"].astype(np.float32))[first - 1 : end - 1]
    columns["time_idx"] = np.arange(end - first)
    table = pa.table(columns).to_pandas()
    table["symbol"] = "BTC/USDT"
    cut = int(rows.fit[-1]) - first
    dataset = TimeSeriesDataSet(
        table[table.time_idx <= cut],
        time_idx="time_idx",
        target="label",
        group_ids=["symbol"],
        min_encoder_length=ENCODER,
        max_encoder_length=ENCODER,
        max_prediction_length=1,
        time_varying_unknown_reals=names,
        add_relative_time_idx=True,
        target_normalizer=TorchNormalizer(method="identity"),
        scalers=dict.fromkeys(names),
    )
    held = TimeSeriesDataSet.from_dataset(
        dataset, table, min_prediction_idx=int(rows.selection[0]) - first
    )
    return lambda steps: _plain_trainer(dataset, held, steps)


def _plain_trainer(dataset: TimeSeriesDataSet, held: TimeSeriesDataSet, steps: int) -> None:
    network = TemporalFusionTransformer.from_dataset(
        dataset,
        hidden_size=HIDDEN,
        attention_head_size=1,
        dropout=DROPOUT,
        hidden_continuous_size=HIDDEN // 2,
        loss=QuantileLoss(list(QUANTILES)),
        learning_rate=RATE,
        log_interval=0,
    )
    trainer = pl.Trainer(
        accelerator="cpu",
        devices=1,
        max_epochs=1,
        limit_train_batches=steps,
        gradient_clip_val=1.0,
        num_sanity_val_steps=0,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(
        network,
        dataset.to_dataloader(train=True, batch_size=BATCH, num_workers=0),
        held.to_dataloader(train=False, batch_size=SELECTION_ROWS, num_workers=0),
    )


def main(side: str, file: str, threads: int) -> None:
    """Fit twice and print the figures."""
    imported = _peak_mib()
    threads = threads or own.threads_for(_spec(1).temporal_fusion_transformer, cpu_count())
    own.LARGE_STEP = 0  # as many threads as said, whatever the product would take
    torch.set_num_threads(threads)
    rows = LearningRows.load(Path(file))
    fit = functools.partial(fit_own, rows, threads) if side == "own" else plain_fit(rows)
    clocks = []
    for steps in (SHORT, LONG):
        started = np.array([time.perf_counter(), time.process_time()])
        fit(steps)
        clocks.append(np.array([time.perf_counter(), time.process_time()]) - started)
    speed, cpu_speed = BATCH * (LONG - SHORT) / (clocks[1] - clocks[0])
    figures = {
        "samples_per_second": speed,
        "samples_per_cpu_second": cpu_speed,
        "peak_mib": _peak_mib() - imported,
        "threads": threads,
    }
    print(json.dumps(figures))


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
