"""The gradients of a batch, as fast as the device makes them.

A small network on a GPU waits for Python, which launches its kernels one by one. So there a step's forward and backward
pass are captured after some ordinary steps, and launched as one from then on (CUDA graphs,
https://docs.pytorch.org/docs/stable/notes/cuda.html). What is launched is what was captured: batches keep their shape,
and a change of what is frozen means a new capture.
"""

from __future__ import annotations

import torch
from torch import Tensor

from training.config import Recipe
from training.loss import loss
from training.model import Unet
from training.precision import autocast

ORDINARY_STEPS = 4
"""Before a capture: cuDNN chooses its algorithms, and the optimiser makes its state, in the first of them."""


class Gradients:
    """Leaves the gradients of each batch in the weights of `unet`; graphs: on a GPU only."""

    def __init__(self, unet: Unet, recipe: Recipe, device: str, scaler: torch.amp.GradScaler, graphs: bool) -> None:
        self._unet, self._recipe, self._device, self._scaler = unet, recipe, device, scaler
        self._graphs = graphs and device == "cuda"
        self._frozen: bool | None = None
        self._ordinary = 0
        self._captured: _Captured | None = None

    def of(self, images: Tensor, targets: Tensor, frozen_encoder: bool) -> Tensor:
        """The loss of a batch (see Slices.batch), float32 (), on the device. The encoder gets no gradient if frozen."""
        if frozen_encoder != self._frozen:
            self._frozen, self._ordinary, self._captured = frozen_encoder, 0, None
        if self._captured is None:
            self._unet.train_with(frozen_encoder)
            if self._graphs and self._ordinary == ORDINARY_STEPS:
                self._captured = self._capture(images, targets)
        if self._captured is not None:
            return self._captured.launch(images, targets)
        self._ordinary += 1
        return self._ordinary_step(images, targets)

    def _ordinary_step(self, images: Tensor, targets: Tensor) -> Tensor:
        self._forget()
        images, targets = (tensor.to(self._device, non_blocking=True) for tensor in (images, targets))
        return self._backward(images.contiguous(memory_format=torch.channels_last), targets)

    def _forget(self) -> None:
        for weights in self._unet.parameters():
            weights.grad = None

    def _backward(self, images: Tensor, targets: Tensor) -> Tensor:
        with autocast(self._device, self._recipe.precision):
            logits = self._unet(images)
        value = loss(logits.float(), targets, self._recipe)
        self._scaler.scale(value).backward()  # type: ignore[no-untyped-call]  # torch
        return value.detach()

    def _capture(self, images: Tensor, targets: Tensor) -> _Captured:
        """No batch is trained on, though the batch norms' statistics see this one once."""
        here = images.to(self._device).contiguous(memory_format=torch.channels_last), targets.to(self._device)
        aside = torch.cuda.Stream()  # type: ignore[no-untyped-call]  # torch
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):  # as PyTorch asks: the pass before the capture is not on the default stream
            self._forget()
            self._backward(*here)
            self._forget()
        torch.cuda.current_stream().wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):  # another thread pins the batches' memory
            value = self._backward(*here)
        return _Captured(graph, *here, value)


class _Captured:
    """A step's work on the device: a graph, the memory it reads a batch from, and the memory it writes the loss to."""

    def __init__(self, graph: torch.cuda.CUDAGraph, images: Tensor, targets: Tensor, loss: Tensor) -> None:
        self._graph, self._images, self._targets, self._loss = graph, images, targets, loss

    def launch(self, images: Tensor, targets: Tensor) -> Tensor:
        self._images.copy_(images, non_blocking=True)
        self._targets.copy_(targets, non_blocking=True)
        self._graph.replay()
        return self._loss.clone()
