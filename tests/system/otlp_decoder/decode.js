// Decodes OTLP with OpenTelemetry's own messages: node decode.js traces|metrics FILE prints JSON.
const fs = require("fs");
const root = require("@opentelemetry/otlp-transformer/build/src/generated/root");
const collector = root.opentelemetry.proto.collector;
const type = process.argv[2] === "traces" ? collector.trace.v1.ExportTraceServiceRequest
                                          : collector.metrics.v1.ExportMetricsServiceRequest;
const decoded = type.decode(fs.readFileSync(process.argv[3]));
console.log(JSON.stringify(type.toObject(decoded, {longs: String, bytes: String, defaults: false})));
