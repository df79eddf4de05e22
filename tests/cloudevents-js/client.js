// Reports events with the official CloudEvents SDK, in the three modes of the HTTP binding, and prints what the system answered, one line of JSON.
//
// What an event looks like on the wire is the SDK's decision throughout; this program only puts the key beside it. Called by the end-to-end suite
// (`feedback::foreign_sdk`): CHUDIAN_URL, CHUDIAN_KEY, and the source of the events, the customer and the region as arguments.

import { CloudEvent, HTTP, Mode, emitterFor } from "cloudevents";

const [source, customer, region] = process.argv.slice(2);
const url = process.env.CHUDIAN_URL;

async function transport(message) {
  const response = await fetch(url, {
    method: "POST",
    headers: { ...message.headers, authorization: `Bearer ${process.env.CHUDIAN_KEY}` },
    body: message.body,
  });
  return { status: response.status, answer: await response.json() };
}

function event(id) {
  return new CloudEvent({
    id,
    source,
    type: "chudian.feedback.consultation.v1",
    time: "2026-11-20T09:00:00.000Z",
    datacontenttype: "application/json",
    traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    data: { customer_id: customer, channel: "web-hall", region, outcome: "succeeded", content: "咨询流量套餐" },
  });
}

const modes = {
  binary: emitterFor(transport, { binding: HTTP, mode: Mode.BINARY }),
  structured: emitterFor(transport, { binding: HTTP, mode: Mode.STRUCTURED }),
  // The SDK reads batches and leaves writing them to JSON; that it reads this one shows that it is one.
  async batch(events) {
    const message = {
      headers: { "content-type": "application/cloudevents-batch+json" },
      body: JSON.stringify(events),
    };
    const read = HTTP.toEvent(message);
    if (!Array.isArray(read) || read.length !== events.length) {
      throw new Error("the SDK does not read its own batch");
    }
    return transport(message);
  },
};

const one = event("one");
console.log(
  JSON.stringify({
    binary: await modes.binary(one),
    structured: await modes.structured(one),
    batch: await modes.batch([one, event("two"), event("three")]),
    conflict: await modes.structured(one.cloneWith({ data: { ...one.data, outcome: "failed" } })),
  }),
);
