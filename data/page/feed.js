// What the API tells: documents that are asked for again and again, and events that come by themselves.

const PATIENCE_MS = 10000;
const RETRY_MS = 5000;
// as many times as long as a round took nothing is asked after it: many guests are not asked for all the time
const SPARE = 4;

async function get(path) {
	try {
		return await fetch(path, {signal: AbortSignal.timeout(PATIENCE_MS), headers: {Accept: "application/json"}});
	} catch {
		throw new Error("it does not answer");
	}
}

/** {body, tag}; body is null where the tag is the one before. Throws an Error with a sentence. */
export async function ask(path, before = null) {
	const answer = await get(path);
	const tag = answer.headers.get("ETag");
	if (answer.ok && tag !== null && tag === before) {
		return {body: null, tag};
	}
	const body = await answer.json();
	if (!answer.ok) {
		throw new Error(body.detail || `${path} is answered ${answer.status}`);
	}
	return {body, tag};
}

/**
 * Asks for each of paths() every interval, and at once when nudged, and hands on what has changed:
 * heard(path, body). state(null) after a round that went well, state(sentence) after one that did not.
 * A page that nobody sees asks nothing.
 */
export class Poll {
	constructor(paths, interval, heard, state) {
		Object.assign(this, {paths, interval, heard, state});
		this.tags = new Map();
		this.timer = 0;
		this.busy = false;
		this.again = false;
		document.addEventListener("visibilitychange", () => this.nudge());
	}

	nudge() {
		if (this.busy) {
			this.again = true;
		} else {
			clearTimeout(this.timer);
			this.round();
		}
	}

	/** So that the next answer is handed on even if it is the same. */
	forget(path) {
		this.tags.delete(path);
	}

	async one(path) {
		const {body, tag} = await ask(path, this.tags.get(path) ?? null);
		if (body !== null) {
			this.heard(path, body);
		}
		if (tag !== null) {
			this.tags.set(path, tag);
		}
	}

	async round() {
		if (document.hidden) {
			return;
		}
		const begun = Date.now();
		this.busy = true;
		this.again = false;
		try {
			for (const path of this.paths()) {
				await this.one(path);
			}
			this.state(null);
		} catch (error) {
			this.state(error.message);
		}
		this.busy = false;
		this.timer = setTimeout(() => this.round(), this.again ? 0 : Math.max(this.interval, SPARE * (Date.now() - begun)));
	}
}

/** Follows path for as long as the page is seen: heard(kind, data) for each event, state(true) while it is heard. */
export function follow(path, kinds, heard, state) {
	let source = null;
	let last = null;
	let timer = 0;

	const close = () => {
		clearTimeout(timer);
		source?.close();
		source = null;
		state(false);
	};
	const open = () => {
		source = new EventSource(last === null ? path : `${path.split("?")[0]}?since=${encodeURIComponent(last)}`);
		source.onopen = () => state(true);
		source.onerror = () => {
			state(false);
			// a break is mended by the browser; a refusal is not
			if (source.readyState === EventSource.CLOSED) {
				close();
				timer = setTimeout(open, RETRY_MS);
			}
		};
		for (const kind of kinds) {
			source.addEventListener(kind, (event) => {
				last = event.lastEventId || last;
				heard(kind, JSON.parse(event.data));
			});
		}
	};
	document.addEventListener("visibilitychange", () => {
		if (document.hidden) {
			close();
		} else if (source === null) {
			open();
		}
	});
	if (!document.hidden) {
		open();
	}
}
