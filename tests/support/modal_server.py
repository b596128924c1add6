"""A stand-in for Modal's control plane: record the calls about apps and autoscalers, and run nothing.

It speaks Modal's own gRPC on this machine, so that tests can watch the real client and the real `modal deploy`.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpclib
from google.protobuf.empty_pb2 import Empty
from grpclib.server import Server, Stream
from modal_proto import api_pb2
from modal_proto.api_grpc import ModalClientBase

FUNCTION, CLASS, METHODS = "fu-gpu", "cs-gpu", ("web", "paint")


class ControlPlane:
    """Record requests by the name of the call, and answer those that a deployment and an autoscaler's update need.

    `deployed` False: no app exists yet. A call without a method here is UNIMPLEMENTED.
    """

    def __init__(self, *, deployed: bool = True) -> None:
        self.asked: dict[str, list[Any]] = defaultdict(list)
        self.deployed = deployed
        self.url = ""

    def answer(self, call: str, request: Any) -> Any:
        """Return the answer to one call, or None if the call is not imitated."""
        self.asked[call].append(request)
        own = getattr(self, f"_{call}", None)
        return own(request) if own else None

    # An app that is looked up, and its autoscaler.

    def _ClientHello(self, _request: Any) -> Any:
        return api_pb2.ClientHelloResponse()

    def _EnvironmentGetOrCreate(self, _request: Any) -> Any:
        metadata = api_pb2.EnvironmentMetadata(
            name="main", settings=api_pb2.EnvironmentSettings(image_builder_version="2025.06")
        )
        return api_pb2.EnvironmentGetOrCreateResponse(environment_id="en-1", metadata=metadata)

    def _ClassGet(self, request: Any) -> Any:
        self._known(f"{request.app_name}/{request.object_tag}")
        return api_pb2.ClassGetResponse(class_id=CLASS)

    def _FunctionGet(self, request: Any) -> Any:
        self._known(f"{request.app_name}/{request.object_tag}")
        return api_pb2.FunctionGetResponse(
            function_id=FUNCTION, handle_metadata=_class_metadata(), function=_function_data("Gpu.*")
        )

    def _FunctionUpdateSchedulingParams(self, request: Any) -> Any:
        return api_pb2.FunctionUpdateSchedulingParamsResponse(current_settings=request.settings)

    def _known(self, name: str) -> None:
        if not self.deployed or name not in ("threadpaint-gpu/Gpu", "threadpaint-gpu/Gpu.*"):
            raise grpclib.GRPCError(grpclib.Status.NOT_FOUND, f"no {name} here")

    def _VolumeCommit(self, _request: Any) -> Any:
        return api_pb2.VolumeCommitResponse()

    def _VolumeReload(self, _request: Any) -> Any:
        return Empty()

    # A deployment.

    def _AppGetByDeploymentName(self, _request: Any) -> Any:
        return api_pb2.AppGetByDeploymentNameResponse()

    def _AppCreate(self, _request: Any) -> Any:
        return api_pb2.AppCreateResponse(app_id="ap-1", app_page_url="http://127.0.0.1/ap-1")

    def _AppGetOrCreate(self, _request: Any) -> Any:
        return api_pb2.AppGetOrCreateResponse(app_id="ap-1")

    def _AppHeartbeat(self, _request: Any) -> Any:
        return Empty()

    def _AppPublish(self, _request: Any) -> Any:
        return api_pb2.AppPublishResponse(url="http://127.0.0.1/ap-1")

    def _AppSetTags(self, _request: Any) -> Any:
        return Empty()

    def _MountGetOrCreate(self, _request: Any) -> Any:
        return api_pb2.MountGetOrCreateResponse(mount_id="mo-1")

    def _AppClientDisconnect(self, _request: Any) -> Any:
        return Empty()

    def _MountBatchedCheckExistence(self, _request: Any) -> Any:
        return api_pb2.MountBatchedCheckExistenceResponse()

    def _MountPutFile(self, _request: Any) -> Any:
        return api_pb2.MountPutFileResponse(exists=True)

    def _VolumeGetOrCreate(self, request: Any) -> Any:
        return api_pb2.VolumeGetOrCreateResponse(volume_id=f"vo-{request.deployment_name}")

    def _SecretGetOrCreate(self, request: Any) -> Any:
        return api_pb2.SecretGetOrCreateResponse(secret_id=f"st-{len(self.asked['SecretGetOrCreate'])}")

    def _ImageGetOrCreate(self, _request: Any) -> Any:
        done = api_pb2.GenericResult(status=api_pb2.GenericResult.GENERIC_STATUS_SUCCESS)
        return api_pb2.ImageGetOrCreateResponse(image_id=f"im-{len(self.asked['ImageGetOrCreate'])}", result=done)

    def _FunctionPrecreate(self, request: Any) -> Any:
        return api_pb2.FunctionPrecreateResponse(function_id=f"fu-{request.function_name}")

    def _FunctionCreate(self, request: Any) -> Any:
        name = request.function.function_name
        metadata = (
            _class_metadata() if request.function.is_class else api_pb2.FunctionHandleMetadata(function_name=name)
        )
        return api_pb2.FunctionCreateResponse(
            function_id=f"fu-{name}", function_data=_function_data(name), handle_metadata=metadata
        )

    def _ClassCreate(self, _request: Any) -> Any:
        return api_pb2.ClassCreateResponse(class_id=CLASS)


def _function_data(name: str) -> Any:
    ranked = api_pb2.FunctionData.RankedFunction(rank=1, function=api_pb2.Function(function_name=name))
    return api_pb2.FunctionData(function_name=name, ranked_functions=[ranked])


def _class_metadata() -> Any:
    kind = api_pb2.Function.FUNCTION_TYPE_FUNCTION
    methods = {
        name: api_pb2.FunctionHandleMetadata(function_name=f"Gpu.{name}", function_type=kind, is_method=True)
        for name in METHODS
    }
    return api_pb2.FunctionHandleMetadata(function_name="Gpu.*", function_type=kind, method_handle_metadata=methods)


def _handler(plane: ControlPlane, call: str) -> Any:
    async def handle(stream: Stream[Any, Any]) -> None:
        answer = plane.answer(call, await stream.recv_message())
        if answer is None:
            raise grpclib.GRPCError(grpclib.Status.UNIMPLEMENTED, f"{call} is not imitated")
        await stream.send_message(answer)

    return handle


@contextmanager
def running(plane: ControlPlane) -> Iterator[ControlPlane]:
    """Serve the control plane on a port of this machine, in a thread of its own; its address is `plane.url`."""
    calls = list(ModalClientBase.__abstractmethods__)
    kind = type("Servicer", (ModalClientBase,), {name: staticmethod(_handler(plane, name)) for name in calls})
    loop, up = asyncio.new_event_loop(), threading.Event()
    server: Server | None = None

    async def start() -> None:
        nonlocal server
        listener = socket.create_server(("127.0.0.1", 0))
        server = Server([kind()])
        await server.start(sock=listener)
        port = listener.getsockname()[1]
        plane.url = f"http://127.0.0.1:{port}"
        up.set()

    thread = threading.Thread(target=lambda: (loop.run_until_complete(start()), loop.run_forever()), daemon=True)
    thread.start()
    assert up.wait(10)
    try:
        yield plane
    finally:
        assert server is not None
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()
