// A Sparkplug B edge node with a device, made with the npm package sparkplug-client.
//
// usage: node edge_node.cjs MODULES PORT
//
// Publishes births with names and aliases, then data with aliases only. A rebirth command is answered with both again; a
// command "Quit" with the device's death and the node's own one.
"use strict";
const {createRequire} = require("node:module");
const [modules, port] = process.argv.slice(2);
const from = createRequire(`${modules}/`);
const Long = from("long");

const client = from("sparkplug-client").newClient({
    serverUrl: `tcp://127.0.0.1:${port}`, username: "", password: "", groupId: "plant", edgeNode: "line", clientId: "line",
    version: "spBv1.0", publishDeath: true,
});
const alias = (number) => Long.fromNumber(number, true);
const time = 1600000000000;

function births() {
    client.publishNodeBirth({timestamp: time, metrics: [
        {name: "Node Control/Rebirth", type: "Boolean", value: false},
        {name: "speed", alias: alias(1), type: "Double", value: 1.5},
        {name: "count", alias: alias(2), type: "UInt64", value: Long.MAX_UNSIGNED_VALUE},
        {name: "offset", alias: alias(3), type: "Int16", value: -300},
        {name: "image", alias: alias(4), type: "Bytes", value: Uint8Array.of(0, 255)},
        {name: "unset", alias: alias(5), type: "Int32", value: null},
    ]});
    client.publishDeviceBirth("press", {timestamp: time, metrics: [
        {name: "table", alias: alias(6), type: "DataSet", value: {
            numOfColumns: 2, types: ["Int8", "String"], columns: ["step", "name"], rows: [[-1, "down"], [2, "up"]]}},
        {name: "motor", alias: alias(7), type: "Template", value: {
            version: "1", templateRef: "motors/small", isDefinition: false,
            metrics: [{name: "rpm", type: "UInt32", value: 4294967295}], parameters: [{name: "poles", type: "Int32", value: -2}]}},
        {name: "state", alias: alias(8), type: "String", value: "idle"},
    ]});
    // Without names.
    client.publishNodeData({timestamp: time, metrics: [{alias: alias(1), type: "Double", value: 2.5},
                                                       {alias: alias(2), type: "UInt64", value: Long.UONE}]});
    client.publishDeviceData("press", {timestamp: time, metrics: [{alias: alias(8), type: "String", value: "running"}]});
}

client.on("birth", births);
client.on("ncmd", ({metrics}) => {
    if (metrics.some(({name}) => name === "Node Control/Rebirth")) return births();
    client.publishDeviceDeath("press", {timestamp: time});
    return client.stop();
});
client.on("error", (error) => { throw error; });
