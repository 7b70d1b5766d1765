// Payloads made by the npm packages cbor, @msgpack/msgpack and sparkplug-payload from random values.
//
// usage: node payloads.mjs MODULES COUNT    MODULES is the node_modules directory
//
// Prints one JSON object per payload: its format, its bytes, the value as the package itself decodes them, and whether
// the bytes are canonical, so that encoding that value again must give them. What JSON cannot express is written as
// mqtt_sub(1) says: DECODED PAYLOADS.
import {createRequire} from "node:module";

const [modules, count] = process.argv.slice(2);
const require = createRequire(`${modules}/`);
const cbor = require("cbor");
const msgpack = require("@msgpack/msgpack");
const sparkplug = require("sparkplug-payload").get("spBv1.0");
const Long = require("long");

// The same values in each run (mulberry32).
let state = 22;
function random() {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}
const below = (limit) => Math.floor(random() * limit);
const pick = (...choices) => choices[below(choices.length)];
const many = (limit, make) => Array.from({length: below(limit)}, make);

function integer() {
    const size = 2 ** below(53);
    return below(size) * pick(1, -1) + pick(0, 0, 1, -1);
}
function real() {
    const bits = new DataView(new ArrayBuffer(8));
    bits.setUint32(0, below(2 ** 32));
    bits.setUint32(4, pick(0, below(2 ** 32)));
    const value = bits.getFloat64(0);
    return Number.isFinite(value) ? pick(value, integer() / 8, Math.fround(random())) : 0.5;
}
function text() {
    return many(pick(4, 40, 300), () => pick("a", "Z", "0", "\"", "\\", "/", "\n", "\u0001", "\u007f", "\u00e9", "\u20ac",
                                             "\u{1f600}")).join("");
}
const bytes = () => Buffer.from(many(pick(3, 40, 300), () => below(256)));
const key = () => `k${text()}`;

// What JSON can express.
function plain(depth) {
    switch (below(depth > 0 ? 8 : 6)) {
        case 0: return null;
        case 1: return random() < 0.5;
        case 2: case 3: return integer();
        case 4: return real();
        case 5: return text();
        case 6: return many(pick(3, 20), () => plain(depth - 1));
        default: return Object.fromEntries(many(pick(3, 20), () => [key(), plain(depth - 1)]));
    }
}
// And what it cannot.
function odd(special) {
    const value = () => special[below(special.length)]();
    return pick(value, () => [plain(2), value(), value()], () => ({before: value(), after: plain(1)}))();
}

function as_json(value, date) {
    const inner = (one) => as_json(one, date);
    if (value === undefined || value === null || (typeof value === "number" && !Number.isFinite(value))) return "null";
    if (typeof value === "bigint") return String(value);
    // JavaScript writes zeros in place of digits.
    if (typeof value === "number" && Math.abs(value) > Number.MAX_SAFE_INTEGER) return value.toExponential();
    if (value instanceof Date) return date(value);
    if (value instanceof Uint8Array) return JSON.stringify(Buffer.from(value).toString("base64"));
    if (value instanceof msgpack.ExtData)
        return `{"type":${value.type},"data":${JSON.stringify(Buffer.from(value.data).toString("base64"))}}`;
    if (Long.isLong(value)) return value.toString();
    if (value instanceof Set) return inner([...value]);
    if (Array.isArray(value)) return `[${value.map(inner).join()}]`;
    if (typeof value !== "object") return JSON.stringify(value);
    const members = value instanceof Map ? [...value] : Object.entries(value);
    return `{${members.map(([name, one]) => `${JSON.stringify(String(name))}:${inner(one)}`).join()}}`;
}

function print(format, payload, json, canonical) {
    console.log(JSON.stringify({format, bytes: Buffer.from(payload).toString("hex"), json, canonical}));
}

// Tags 0 and 1 of CBOR are ignored: a time is a number.
const seconds = (date) => String(date.getTime() / 1000);
// Its buffers hold 16 KB if nothing else is said.
const of_cbor = (payload) => as_json(cbor.decodeFirstSync(payload, {highWaterMark: 1 << 20}), seconds);
for (let i = 0; i < count; ++i) {
    const payload = cbor.encodeOne(plain(4), {canonical: true, highWaterMark: 1 << 20});
    print("cbor", payload, of_cbor(payload), true);
    const special = [() => undefined, () => NaN, () => -Infinity, bytes, () => new Date(below(2 ** 40) * 1000),
                     () => new Map([[integer(), 1], [below(1000) + 0.5, "x"], [true, null]]), () => new Set([1, "a"]),
                     () => BigInt(pick(1, -1)) * 7n ** BigInt(below(200)), () => Math.fround(random())];
    const more = cbor.encodeOne(odd(special), {highWaterMark: 1 << 20});
    print("cbor", more, of_cbor(more), false);
}

const of_msgpack = (payload, options) => as_json(msgpack.decode(payload, options), (date) => JSON.stringify(date.toISOString()));
for (let i = 0; i < count; ++i) {
    const payload = msgpack.encode(plain(4));
    print("msgpack", payload, of_msgpack(payload), true);
    const special = [() => NaN, () => Infinity, bytes, () => new Date(Math.abs(integer()) % 253402300800000),
                     () => new msgpack.ExtData(below(127), bytes()), () => BigInt.asIntN(64, 7n ** BigInt(below(22))),
                     () => BigInt.asUintN(64, 7n ** BigInt(below(30)))];
    const more = msgpack.encode(odd(special), {useBigInt64: true, forceFloat32: random() < 0.5});
    print("msgpack", more, of_msgpack(more, {useBigInt64: true}), false);
}

const SIGNED = {Int8: 7, Int16: 15, Int32: 31, Int64: 63};
const UNSIGNED = {UInt8: 8, UInt16: 16, UInt32: 32, UInt64: 64};
function in_range(bits, signed) {
    const value = BigInt.asUintN(bits, BigInt(below(2 ** 32)) << 32n | BigInt(below(2 ** 32)));
    return Long.fromString(String(pick(value, 0n, (1n << BigInt(bits)) - 1n, value >> BigInt(bits >> 1)) *
                                  (signed ? pick(1n, -1n) : 1n)), !signed);
}
function scalar(type) {
    if (type in SIGNED || type in UNSIGNED) {
        const value = in_range(SIGNED[type] ?? UNSIGNED[type], type in SIGNED);
        return type.endsWith("64") ? value : value.toNumber();
    }
    switch (type) {
        case "Float": return Math.fround(integer() / 8);
        case "Double": return real();
        case "Boolean": return random() < 0.5;
        case "DateTime": return Long.fromNumber(below(2 ** 41), true);
        default: return text();
    }
}
const SCALARS = [...Object.keys(SIGNED), ...Object.keys(UNSIGNED), "Float", "Double", "Boolean", "DateTime", "String", "Text",
                 "UUID"];
// What the package cannot read again itself is left out: 8 to 32 bits in DataSets, null as a DataSet or Template, arrays.
const COLUMNS = ["Int64", "Double", "Boolean", "String"];
function metric(depth) {
    const type = pick(...SCALARS, "Bytes", "DataSet", ...(depth > 0 ? ["Template"] : []));
    const one = {name: key(), type};
    if (random() < 0.5) one.alias = Long.fromNumber(below(1000), true);
    if (random() < 0.5) one.timestamp = Long.fromNumber(below(2 ** 41), true);
    if (random() < 0.1) one.isHistorical = true;
    if (random() < 0.1) one.isTransient = true;
    if (random() < 0.2)
        one.properties = Object.fromEntries(many(3, () => [key(), {type: "String", value: text()}])
                                                .concat([["low", {type: "Int32", value: below(1000)}]]));
    if (SCALARS.includes(type) && random() < 0.1) {
        one.value = null;
    } else if (type === "Bytes") {
        one.value = Uint8Array.from(bytes());
    } else if (type === "DataSet") {
        const types = many(4, () => pick(...COLUMNS));
        one.value = {numOfColumns: Long.fromNumber(types.length, true), types, columns: types.map(key),
                     rows: many(4, () => types.map(scalar))};
    } else if (type === "Template") {
        one.value = {isDefinition: random() < 0.5, version: "1", templateRef: text(), metrics: many(3, () => metric(depth - 1)),
                     parameters: many(3, () => ({name: key(), type: "Double", value: real()}))};
    } else {
        one.value = scalar(type);
    }
    return one;
}
// The package reads negative numbers in DataSets as large ones, and adds empty lists that were not sent.
function as_sent(metric) {
    const {value, type} = metric;
    if (type === "Template") {
        value.metrics.forEach(as_sent);
        if (value.parameters.length === 0) delete value.parameters;
    }
    if (type === "DataSet")
        for (const row of value.rows) value.types.forEach((of, i) => { if (of === "Int64") row[i] = row[i].toSigned(); });
}
for (let i = 0; i < count; ++i) {
    const payload = sparkplug.encodePayload({timestamp: Long.fromNumber(below(2 ** 41), true), seq: Long.fromNumber(below(256), true),
                                             metrics: many(6, () => metric(2))});
    const {metrics, ...rest} = sparkplug.decodePayload(payload);
    metrics.forEach(as_sent);
    print("sparkplug", payload, as_json(metrics.length > 0 ? {...rest, metrics} : rest), true);
}
