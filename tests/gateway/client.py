"""A gRPC client that knows nothing of the bank but what reflection tells, and a reader of its OpenAPI document."""

import json
import sys
import time
import urllib.request

import grpc
from google.protobuf import descriptor_pool, message_factory
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from openapi_spec_validator import validate

address = sys.argv[1]
channel = grpc.insecure_channel(address)

# -- reflection -----------------------------------------------------------------------------------------
database = ProtoReflectionDescriptorDatabase(channel)
assert "bank.Bank" in database.get_services(), database.get_services()
pool = descriptor_pool.DescriptorPool(database)
service = pool.FindServiceByName("bank.Bank")
methods = {method.name: method for method in service.methods}
assert {"Open", "Pay", "PayStream", "Balance", "Note", "Reset", "Dice"} <= set(methods), sorted(methods)
assert methods["PayStream"].client_streaming and methods["PayStream"].server_streaming


def make(kind, **fields):
    return message_factory.GetMessageClass(kind)(**fields)


def caller(name):
    method = methods[name]
    answer = message_factory.GetMessageClass(method.output_type)
    path = f"/bank.Bank/{name}"
    kind = channel.stream_stream if method.client_streaming else channel.unary_unary
    return kind(path, request_serializer=lambda m: m.SerializeToString(), response_deserializer=answer.FromString)


def call(name, metadata=(), **fields):
    return caller(name)(make(methods[name].input_type, **fields), metadata=metadata, timeout=20)


def fails(code, name, metadata=(), **fields):
    try:
        call(name, metadata, **fields)
    except grpc.RpcError as error:
        assert error.code() == code, (name, error.code(), error.details())
        return dict(error.trailing_metadata()) | {"details": error.details()}
    raise AssertionError(f"{name} did not fail")


# -- unary ----------------------------------------------------------------------------------------------
assert call("Pay", **{"from": 1, "to": 2, "amount": 30}).result == 970
assert call("Balance", id=2).result == 30
assert call("Note", text="grüß 😀", tags=[1, 2], memo="m").result == "grüß 😀"
assert call("Note").result == ""
failed = fails(grpc.StatusCode.FAILED_PRECONDITION, "Pay", **{"from": 1, "to": 2, "amount": 5000})
assert failed["recurrent-code"] == "Payment.Insufficient", failed
assert json.loads(failed["recurrent-fields"]) == {"needed": "5000", "available": "970"}, failed
bad = fails(grpc.StatusCode.INVALID_ARGUMENT, "Note", tags=[1, 2, 3, 4, 5])
assert "tags" in bad["details"], bad
fails(grpc.StatusCode.INVALID_ARGUMENT, "Note", memo="123456789")
both = call("Sorted", tags=[3, 1], ages={"bo": -2, "al": 1}).result
assert list(both.f0) == [1, 3] and dict(both.f1) == {"al": 1, "bo": -2}, both
twice = fails(grpc.StatusCode.INVALID_ARGUMENT, "Sorted", tags=[1, 2, 1])
assert "tags" in twice["details"] and "twice" in twice["details"], twice
fails(grpc.StatusCode.PERMISSION_DENIED, "Reset", id=1)
fails(grpc.StatusCode.UNAUTHENTICATED, "Reset", [("recurrent-roles", "admin")], id=1)
once = [("idempotency-key", "python/1")]
assert call("Pay", once, **{"from": 1, "to": 2, "amount": 1}).result == 969
assert call("Pay", once, **{"from": 1, "to": 2, "amount": 1}).result == 969
assert call("Balance", id=1).result == 969
try:
    channel.unary_unary("/bank.Bank/Nothing")(b"", timeout=20)
    raise AssertionError("an unknown method was answered")
except grpc.RpcError as error:
    assert error.code() == grpc.StatusCode.UNIMPLEMENTED, error
try:
    channel.unary_unary("/bank.Bank/Pay")(b"\xff\xff\xff", timeout=20)
    raise AssertionError("nonsense was answered")
except grpc.RpcError as error:
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT, error
try:
    channel.unary_unary("/bank.Bank/Pay")(b"\x00" * 1_000_000, timeout=20)
    raise AssertionError("a message beyond the command's bound was answered")
except grpc.RpcError as error:
    assert error.code() in (grpc.StatusCode.OUT_OF_RANGE, grpc.StatusCode.RESOURCE_EXHAUSTED), error

# -- streaming ------------------------------------------------------------------------------------------
kind = methods["PayStream"].input_type


def payments(count):
    for number in range(count):
        yield make(kind, **{"from": 1, "to": 2, "amount": 9000 if number == 5 else 0})


since = time.monotonic()
outcomes = list(caller("PayStream")(payments(20_000), timeout=60))
assert len(outcomes) == 20_000, len(outcomes)
assert outcomes[5].WhichOneof("outcome") == "failure" and outcomes[5].failure.code == "Payment.Insufficient", outcomes[5]
assert all(outcome.reply.result == 969 for number, outcome in enumerate(outcomes) if number != 5)
assert all(left.op + 1 == right.op for left, right in zip(outcomes, outcomes[1:])), "op numbers follow each other"
rate = 20_000 / (time.monotonic() - since)

keyed = [("idempotency-key", "stream/1")]
first = list(caller("PayStream")((make(kind, **{"from": 1, "to": 2, "amount": 1}) for _ in range(10)), metadata=keyed, timeout=60))
again = list(caller("PayStream")((make(kind, **{"from": 1, "to": 2, "amount": 1}) for _ in range(10)), metadata=keyed, timeout=60))
assert [outcome.reply.result for outcome in first] == [outcome.reply.result for outcome in again] == list(range(968, 958, -1))

# Streams that are dropped midway leave a server that answers.
for _ in range(50):
    stream = caller("PayStream")(payments(100_000), timeout=60)
    next(stream)
    stream.cancel()
assert call("Balance", id=1).result == 959

# -- OpenAPI --------------------------------------------------------------------------------------------
with urllib.request.urlopen(f"http://{address}/openapi.json", timeout=20) as answer:
    document = json.load(answer)
validate(document)
assert "/bank/pay" in document["paths"]

print(f"gRPC by reflection: unary, failures, streaming ({rate:,.0f}/s from Python); OpenAPI document valid")
