"""What a running cluster says about itself: its schema, read by gRPC reflection."""

from __future__ import annotations

from collections.abc import Iterator

import grpc
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

from api import Api, Limits, Structure, Value
from cluster import CALL_S

KEY_MANAGEMENT = "meridian.v1.KeyManagement"
TIMESTAMP = "google.protobuf.Timestamp"
SCALARS = {
    FieldDescriptor.TYPE_STRING: "string",
    FieldDescriptor.TYPE_BYTES: "blob",
    FieldDescriptor.TYPE_BOOL: "boolean",
    FieldDescriptor.TYPE_INT32: "integer",
}


class Schema:
    """Services and messages as the server describes them."""

    def __init__(self, channel: grpc.Channel) -> None:
        self.channel = channel
        self.database = ProtoReflectionDescriptorDatabase(channel)
        self.pool = DescriptorPool(self.database)

    def method(self, service: str, name: str) -> MethodDescriptor:
        return self.pool.FindServiceByName(service).methods_by_name[name]

    def call(self, name: str, region: str, /, **members):
        """Calls a KMS operation in a region."""
        method = self.method(KEY_MANAGEMENT, name)
        request = GetMessageClass(method.input_type)(**members)
        remote = self.channel.unary_unary(
            f"/{method.containing_service.full_name}/{name}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=GetMessageClass(method.output_type).FromString,
        )
        return remote(request, metadata=[("x-meridian-region", region)], timeout=CALL_S)

    def stream(self, service: str, name: str, region: str, /, **members):
        """Opens a stream in a region."""
        method = self.method(service, name)
        request = GetMessageClass(method.input_type)(**members)
        remote = self.channel.unary_stream(
            f"/{service}/{name}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=GetMessageClass(method.output_type).FromString,
        )
        return remote(request, metadata=[("x-meridian-region", region)], timeout=CALL_S)

    def watch(self, region: str, key_id: str):
        """Streams the state of a key set as a region knows it."""
        return self.stream("meridian.v1.KeySets", "WatchKeySet", region, key_id=key_id)

    def api(self) -> Api:
        """The operations in the terms in which AWS's model is read too."""
        methods = self.pool.FindServiceByName(KEY_MANAGEMENT).methods
        return {
            method.name: (
                Members(self.pool).structure(method.input_type),
                Members(self.pool).structure(method.output_type),
            )
            for method in methods
        }

    def served(self) -> set[str]:
        """The operations that are more than described: any other answer than
        UNIMPLEMENTED to a call for a region that does not exist, so that nothing
        happens."""
        names = [it.name for it in self.pool.FindServiceByName(KEY_MANAGEMENT).methods]
        return {name for name in names if self._answer(name) != grpc.StatusCode.UNIMPLEMENTED}

    def _answer(self, name: str) -> grpc.StatusCode:
        call = self.channel.unary_unary(f"/{KEY_MANAGEMENT}/{name}")
        try:
            call(b"", metadata=[("x-meridian-region", "nowhere")], timeout=CALL_S)
        except grpc.RpcError as error:
            return error.code()
        return grpc.StatusCode.OK


class Members:
    """Reads messages with what the options of the schema add to them."""

    def __init__(self, pool: DescriptorPool) -> None:
        self._pool = pool
        self._member = pool.FindExtensionByName("meridian.v1.member")
        shape = pool.FindExtensionByName("meridian.v1.shape")
        file = pool.FindMessageTypeByName("meridian.v1.CreateKeyRequest").file
        shapes = self._options("google.protobuf.FileOptions", file).Extensions[shape]
        self._shapes = {it.name: it for it in shapes}

    def structure(self, message: Descriptor) -> Structure:
        return dict(self._members(message))

    def _members(self, message: Descriptor) -> Iterator[tuple[str, Value]]:
        for field in message.fields:
            options = self._options("google.protobuf.FieldOptions", field)
            member = options.Extensions[self._member]
            name = member.name or "".join(it.capitalize() for it in field.name.split("_"))
            yield name, self._value(field, member)

    def _value(self, field: FieldDescriptor, member: Message) -> Value:
        limits = self._limits(member.shape)
        if field.message_type and field.message_type.GetOptions().map_entry:
            return Value("map", member.required, limits)
        one = self._one(field)
        if not field.is_repeated:
            return Value(one, member.required, limits, self._nested(field, one))
        shape = self._shapes.get(member.shape)
        item = Value(
            one, False, self._limits(shape.item if shape else ""), self._nested(field, one)
        )
        return Value("list", member.required, limits, item=item)

    def _nested(self, field: FieldDescriptor, kind: str) -> Structure | None:
        return self.structure(field.message_type) if kind == "structure" else None

    def _one(self, field: FieldDescriptor) -> str:
        if field.message_type is None:
            return SCALARS[field.type]
        return "timestamp" if field.message_type.full_name == TIMESTAMP else "structure"

    def _limits(self, name: str) -> Limits:
        if not name:
            return Limits()
        shape = self._shapes[name]

        def first(*fields: str) -> int | None:
            return next((getattr(shape, it) for it in fields if shape.HasField(it)), None)

        return Limits(
            min=first("length_min", "value_min"),
            max=first("length_max", "value_max"),
            pattern=shape.pattern if shape.HasField("pattern") else None,
            enum=frozenset(shape.one_of) or None,
        )

    def _options(self, kind: str, described) -> Message:
        """Options with the extensions of the server's own pool."""
        known = GetMessageClass(self._pool.FindMessageTypeByName(kind))
        return known.FromString(described.GetOptions().SerializeToString())
