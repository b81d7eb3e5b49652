// A client of Salut à Toi's bridge, for Node and for browsers: this one file, and nothing else.
//
//     const Sat = require("./sat.js");                       // Node; in a page: <script src="sat.js">
//     const session = await Sat.open(Sat.stream(net.connect(path)), { client: "mine 1.0" });
//     const profiles = await session.call("profile.list");
//
// A line is whatever carries a line of text each way: Sat.stream() makes one of a Node stream (a
// socket, TLS, the pipes of `ssh HOST sat bridge-stdio`), Sat.webSocket() of a WebSocket, and any
// object with send(text), close(), and the callbacks online(text) and onend(error) is one.
(function (root, make) {
  if (typeof module === "object" && module.exports) module.exports = make();
  else root.Sat = make();
})(typeof globalThis === "undefined" ? this : globalThis, function () {
  "use strict";

  /** The version of the API that this client speaks. */
  const API = "1";
  /** The longest line, in bytes, in either direction. */
  const MAX_LINE = 16 * 1024 * 1024;
  const FIRST_DELAY = 250;
  const LAST_DELAY = 30000;

  /** What the daemon refused, or why it can't be asked: `code` is the dotted name. */
  class SatError extends Error {
    constructor(code, sentence, data) {
      super(sentence);
      this.name = "SatError";
      this.code = code;
      this.data = data || {};
    }

    static of(error) {
      const { name, ...data } = (error && error.data) || {};
      const sentence = (error && error.message) || "The daemon refused without a reason.";
      return new SatError(typeof name === "string" ? name : "failed.unnamed", sentence, data);
    }
  }

  /** Make a line of a Node stream that can be read and written. */
  function stream(socket) {
    let parts = [];
    let size = 0;
    const line = {
      online: null,
      onend: null,
      send: (text) => void socket.write(text + "\n"),
      close: () => void socket.destroy(),
    };
    const decoder = new TextDecoder("utf-8", { fatal: true });
    function end(error) {
      const told = line.onend;
      line.onend = line.online = null;
      socket.destroy();
      if (told) told(error);
    }
    function take(chunk) {
      let from = 0;
      for (let at; (at = chunk.indexOf(10, from)) >= 0; from = at + 1) {
        parts.push(chunk.subarray(from, at));
        const whole = parts.length === 1 ? parts[0] : join(parts);
        parts = [];
        size = 0;
        if (line.online) line.online(decoder.decode(whole));
      }
      if (from < chunk.length) {
        parts.push(chunk.subarray(from));
        size += chunk.length - from;
      }
      if (size > MAX_LINE) throw new SatError("failed.line", "The daemon sent a line that is too long.");
    }
    socket.on("data", (chunk) => {
      try {
        take(chunk);
      } catch (error) {
        end(error instanceof SatError ? error : unreadable());
      }
    });
    socket.on("error", end);
    socket.on("close", () => end());
    return line;
  }

  function join(parts) {
    const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }

  /** Make a line of a WebSocket that is open or will be; each of its messages is a line. */
  function webSocket(socket) {
    const early = [];
    const line = {
      online: null,
      onend: null,
      send: (text) => (socket.readyState === 0 ? void early.push(text) : socket.send(text)),
      close: () => socket.close(),
    };
    socket.addEventListener("open", () => early.splice(0).forEach((text) => socket.send(text)));
    socket.addEventListener("message", ({ data }) => line.online && line.online(data));
    socket.addEventListener("close", () => line.onend && line.onend());
    return line;
  }

  function unreadable() {
    return new SatError("failed.line", "What answers does not speak the daemon's language.");
  }

  /** One session: made by open(). `hello` is how the daemon answered to the greeting. */
  class Session {
    constructor(line) {
      this.hello = null;
      /** Resolves to the error with which the session has ended; it is never rejected. */
      this.ended = new Promise((resolve) => (this._over = resolve));
      this._line = line;
      this._error = null;
      this._last = 0;
      this._waiting = new Map();
      this._onevent = null;
      line.online = (text) => this._take(text);
      line.onend = (error) => this._end(error);
    }

    /** Call a method; resolves to its result, and is rejected with a SatError. */
    call(method, params) {
      if (this._error) return Promise.reject(this._error);
      const id = ++this._last;
      const text = JSON.stringify({ jsonrpc: "2.0", id, method, params: params || {} });
      if (text.length * 3 > MAX_LINE && new TextEncoder().encode(text).length > MAX_LINE) {
        const sentence = `${method}: a call takes at most ${MAX_LINE} bytes.`;
        return Promise.reject(new SatError("usage.line", sentence));
      }
      return new Promise((resolve, reject) => {
        this._waiting.set(id, { resolve, reject });
        this._line.send(text);
      });
    }

    /**
     * Be told of events: `state.attach` with these parameters. Each event is given to
     * `onevent(event)` as it is on the bridge, after `onattached(answer)` was told where they begin.
     * An event that is missing ends the session, with `failed.gap`.
     */
    attach(params, onevent, onattached) {
      this._onevent = null;
      return new Promise((resolve, reject) => {
        const attached = (answer) => {
          // The next line may be an event: a promise would tell too late.
          this._seq = answer.seq;
          this._onevent = onevent;
          if (onattached) onattached(answer);
          resolve(answer);
        };
        this.call("state.attach", params).catch(reject);
        const waiting = this._waiting.get(this._last);
        if (waiting && !this._error) waiting.resolve = attached;
      });
    }

    /** End the session; what the daemon was asked to do goes on. */
    close() {
      this._end(new SatError("daemon.closed", "The session was closed."));
    }

    _take(text) {
      let message;
      try {
        message = JSON.parse(text);
      } catch (error) {
        message = null;
      }
      if (typeof message !== "object" || message === null) return this._end(unreadable());
      if (message.method === "event") return this._event(message.params);
      if (message.method === "resync") {
        const sentence = "Events are gone that were not read in time: attach anew.";
        return this._end(new SatError("log.trimmed", sentence, message.params));
      }
      if (message.method !== undefined) {
        if (message.id === undefined || message.id === null) return undefined;
        const error = { code: -32601, message: "this client serves no calls" };
        return this._line.send(JSON.stringify({ jsonrpc: "2.0", id: message.id, error }));
      }
      const waiting = this._waiting.get(message.id);
      if (waiting === undefined) {
        // An error of no call is told before the daemon hangs up.
        return message.error ? this._end(SatError.of(message.error)) : undefined;
      }
      this._waiting.delete(message.id);
      if (message.error) return waiting.reject(SatError.of(message.error));
      return waiting.resolve(message.result === undefined ? null : message.result);
    }

    _event(event) {
      if (!this._onevent) return;
      if (typeof event.seq === "number") {
        if (event.prev !== this._seq) {
          this._end(new SatError("failed.gap", `An event is missing before ${event.seq}.`));
          return;
        }
        this._seq = event.seq;
      }
      this._onevent(event);
    }

    _end(error) {
      if (this._error) return;
      const reason = error && error.message ? ` (${error.message})` : "";
      this._error =
        error instanceof SatError
          ? error
          : new SatError("daemon.gone", `The daemon ended the session${reason}.`);
      this._line.online = this._line.onend = null;
      this._line.close();
      for (const { reject } of this._waiting.values()) reject(this._error);
      this._waiting.clear();
      this._over(this._error);
    }
  }

  /**
   * Begin a session over a line, and say hello.
   * @param line    see stream() and webSocket()
   * @param options `client`: the name of this program; `token`: from another machine
   */
  async function open(line, options) {
    const { client = "sat.js", token } = options || {};
    const session = new Session(line);
    try {
      const features = ["heartbeat"]; // an event loop answers whenever it is asked
      const greeting = { api: API, client, features, ...(token === undefined ? {} : { token }) };
      session.hello = await session.call("session.hello", greeting);
    } catch (error) {
      session.close();
      throw error;
    }
    return session;
  }

  /**
   * Stay attached: whenever the session ends, another is begun, which goes on where it was.
   * No event is missed, and none comes twice.
   *
   * @param connect  returns a new line, or a promise of one
   * @param options  for open(), and `attach`: the parameters of `state.attach`;
   *   `onsnapshot(state, seq)`: the state as a whole, in place of what was known;
   *   `onevent(event)`; `onstate(session, error)`: the session, or null and why there is none
   */
  function follow(connect, options) {
    return new Follower(connect, options || {});
  }

  class Follower {
    constructor(connect, options) {
      this._connect = connect;
      this._options = options;
      this._place = null;
      this._session = null;
      this._delay = FIRST_DELAY;
      this._closed = null;
      this._timer = null;
      this._queue = [];
      /** Resolves to the error after which it is of no use to try again, or when it is closed. */
      this.ended = new Promise((resolve) => (this._over = resolve));
      this._try();
    }

    /**
     * Call a method, now or as soon as there is a session. A call with a `txn` is made again if the
     * session ends before its answer: it is done once. Any other is rejected then.
     */
    call(method, params) {
      if (this._closed) return Promise.reject(this._closed);
      return new Promise((resolve, reject) => this._run({ method, params, resolve, reject }));
    }

    /** End it all. */
    close() {
      this._stop(new SatError("daemon.closed", "The session was closed."));
    }

    _run(one) {
      if (!this._session) return void this._queue.push(one);
      return void this._session.call(one.method, one.params).then(one.resolve, (error) => {
        const again = /^(daemon\.gone|daemon\.ending|failed\.gap|log\.trimmed)$/.test(error.code);
        if (!again || !one.params || !one.params.txn || this._closed) one.reject(error);
        else this._queue.push(one);
        if (this._session) this._queue.splice(0).forEach((each) => this._run(each));
      });
    }

    async _try() {
      this._timer = null;
      let session = null;
      let error;
      try {
        session = await open(await this._connect(), this._options);
        if (this._closed) return session.close();
        await this._attach(session);
        this._delay = FIRST_DELAY;
        this._session = session;
        this._tell(session, null);
        this._queue.splice(0).forEach((each) => this._run(each));
        error = await session.ended;
      } catch (caught) {
        error = caught instanceof SatError ? caught : new SatError("daemon.gone", String(caught.message));
      }
      this._session = null;
      if (session) session.close();
      if (this._closed) return undefined;
      this._tell(null, error);
      if (/^(denied|usage)\./.test(error.code)) return this._stop(error);
      if (error.code === "log.trimmed" || error.code === "failed.gap") {
        const scripted = (this._options.attach || {}).mode === "events";
        if (scripted && error.code === "log.trimmed") return this._stop(error);
      }
      this._timer = setTimeout(() => this._try(), this._delay * (0.5 + Math.random() / 2));
      this._delay = Math.min(this._delay * 2, LAST_DELAY);
      return undefined;
    }

    _attach(session) {
      const { attach = {}, onevent, onsnapshot } = this._options;
      const params = this._place ? { ...attach, resume: this._place } : attach;
      const told = (event) => {
        if (onevent) onevent(event);
        // What was dealt with is behind us, and what failed is told again.
        if (typeof event.seq === "number") this._place.seq = event.seq;
      };
      return session.attach(params, told, (answer) => {
        this._place = { epoch: answer.epoch, seq: answer.seq };
        if (answer.mode === "snapshot" && onsnapshot) onsnapshot(answer.state, answer.seq);
      });
    }

    _tell(session, error) {
      if (this._options.onstate) this._options.onstate(session, error);
    }

    _stop(error) {
      if (this._closed) return;
      this._closed = error;
      if (this._timer) clearTimeout(this._timer);
      if (this._session) this._session.close();
      this._queue.splice(0).forEach(({ reject }) => reject(error));
      this._over(error);
    }
  }

  return { API, MAX_LINE, SatError, Session, stream, webSocket, open, follow };
});
