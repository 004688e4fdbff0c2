// DERP in a page: logs in over WebSocket and exchanges packets with others.
"use strict";

const HEAD = 5, KEY = 32, NONCE = 24, MESSAGE_MAX = 32768;
const SERVER_KEY = 0x01, CLIENT_INFO = 0x02, SERVER_INFO = 0x03,
      SEND_PACKET = 0x04, RECV_PACKET = 0x05;
const MAGIC = [0x44, 0x45, 0x52, 0x50, 0xf0, 0x9f, 0x94, 0x91];

const hex = (bytes) => Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
const unhex = (text) => Uint8Array.from(text.match(/../g), (b) => parseInt(b, 16));
const equal = (a, b) => a.length === b.length && a.every((x, i) => x === b[i]);

function join(...parts) {
  const all = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function frame(type, ...parts) {
  const body = join(...parts), head = new Uint8Array(HEAD);
  head[0] = type;
  new DataView(head.buffer).setUint32(1, body.length);
  return join(head, body);
}

function check(good, what) {
  if (!good)
    throw new Error(what);
}

class Client {
  constructor(url) {
    this.pair = nacl.box.keyPair();
    this.stream = new Uint8Array(0);
    this.waiting = this.end = null;
    this.socket = new WebSocket(url, "derp");
    this.socket.binaryType = "arraybuffer";
    this.closed = new Promise((resolve) => { this.socket.onclose = resolve; });
    this.closed.then((e) => {
      this.end = new Error(`closed with ${e.code} ${e.reason}`);
      if (this.waiting)
        this.waiting.reject(this.end);
    });
    this.socket.onmessage = (e) => {
      check(e.data.byteLength <= MESSAGE_MAX, "a message of " + e.data.byteLength);
      this.stream = join(this.stream, new Uint8Array(e.data));
      if (this.waiting)
        this.waiting.resolve();
    };
  }

  // Takes n bytes of the stream, when they are there.
  async take(n) {
    while (this.stream.length < n) {
      if (this.end)
        throw this.end;
      await new Promise((resolve, reject) => { this.waiting = {resolve, reject}; });
    }
    const taken = this.stream.slice(0, n);
    this.stream = this.stream.slice(n);
    return taken;
  }

  async next() {
    const head = await this.take(HEAD);
    return {type: head[0], body: await this.take(new DataView(head.buffer).getUint32(1))};
  }

  async login() {
    const hello = await this.next();
    check(hello.type === SERVER_KEY && equal(hello.body.slice(0, 8), MAGIC), "no ServerKey");
    check(this.socket.protocol === "derp", "protocol " + this.socket.protocol);
    check(this.socket.extensions === "", "extensions " + this.socket.extensions);
    const server = hello.body.slice(8, 8 + KEY), nonce = nacl.randomBytes(NONCE);
    const info = new TextEncoder().encode('{"Version":2,"CanAckPings":true}');
    this.socket.send(frame(CLIENT_INFO, this.pair.publicKey, nonce,
                           nacl.box(info, nonce, server, this.pair.secretKey)));
    const answer = await this.next();
    check(answer.type === SERVER_INFO, "no ServerInfo but " + answer.type);
    const opened = nacl.box.open(answer.body.slice(NONCE), answer.body.slice(0, NONCE),
                                 server, this.pair.secretKey);
    check(opened !== null, "a ServerInfo that does not open");
    check(JSON.parse(new TextDecoder().decode(opened)).version === 2, "another version");
    return this;
  }

  send(to, packet) {
    const all = frame(SEND_PACKET, to, packet);
    for (let at = 0; at < all.length; at += MESSAGE_MAX)
      this.socket.send(all.slice(at, at + MESSAGE_MAX));
  }

  // The next packet, and that it is this one.
  async expect(from, packet) {
    for (;;) {
      const {type, body} = await this.next();
      if (type !== RECV_PACKET)
        continue;
      check(equal(body.slice(0, KEY), from), "a packet of " + hex(body.slice(0, KEY)));
      check(equal(body.slice(KEY), packet),
            `${body.length - KEY} other bytes instead of ${packet.length}`);
      return;
    }
  }
}

function noise(size) {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at += 65536)
    crypto.getRandomValues(bytes.subarray(at, at + 65536));
  return bytes;
}

async function run() {
  const words = new URLSearchParams(location.search);
  const native = unhex(words.get("native")), url = words.get("relay");
  const [a, b] = await Promise.all([new Client(url).login(), new Client(url).login()]);
  for (const size of [1, 125, 126, 1400, 32763, 65536]) {
    const packet = noise(size);
    a.send(b.pair.publicKey, packet);
    await b.expect(a.pair.publicKey, packet);
    b.send(a.pair.publicKey, packet);
    await a.expect(b.pair.publicKey, packet);
  }
  // the other one answers what is told of in the address
  a.send(native, unhex(words.get("say")));
  await a.expect(native, unhex(words.get("hear")));
  a.socket.close(1000, "enough");
  const end = await a.closed;
  check(end.wasClean && end.code === 1000, `ended with ${end.code}, clean: ${end.wasClean}`);
  // the relay refuses what is not DERP, and says why
  b.socket.send("text");
  const refused = await b.closed;
  check(refused.code === 1003, "text ended with " + refused.code);
}
