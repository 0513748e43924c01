// The page of one host: nodes x guests, one guest in full, and what happens.
import {addressed, find, make, say} from "./dom.js";
import {follow, Poll} from "./feed.js";
import {Guest} from "./guest.js";
import {Guests} from "./guests.js";
import {everywhere} from "./keys.js";
import {bytes, clock, count, duration, isMoving, isTroubled, moment} from "./words.js";

const POLL_MS = 5000, MOVING_MS = 2000, GATHER_MS = 250, EVENTS_KEPT = 50;
const EVENTS = ["guest-appeared", "guest-gone", "home", "operation-started", "operation-done", "operation-failed", "problem",
	"reservation", "settings", "window", "drain", "gap"];

const state = {host: null, reports: null, heard: 0, live: false, problem: null, at: null};
const guests = new Guests();
const guest = new Guest();

function sayState() {
	const box = find("state");
	const at = state.at ? `; what is shown is of ${clock(state.at)}` : "";
	box.dataset.state = state.problem ? "lost" : state.live ? "live" : "asking";
	say(box, state.problem ? `homenoded: ${state.problem}${at}` : state.live ? "live" : "asking every few seconds");
}

function show() {
	const {host, reports} = state;
	if (!host || !reports) {
		return;
	}
	const moving = reports.filter(isMoving).length;
	const troubled = reports.filter(isTroubled).length;
	document.title = `${host.name} - homenode`;
	say(find("host"), host.name);
	say(find("summary"), [count(reports.length, "guest"), ...(moving ? [`${moving} moving`] : []),
		...(troubled ? [`${troubled} in trouble`] : [])].join(", "));
	if (guest.name === null) {
		guests.show(host, reports);
	} else {
		guest.show(host, reports.find((report) => report.guest.name === guest.name) ?? null, state.heard);
	}
	poll.interval = moving ? MOVING_MS : POLL_MS;
}

const poll = new Poll(() => ["v1/host", "v1/guests"], POLL_MS, (path, body) => {
	if (path === "v1/host") {
		state.host = body;
	} else {
		state.reports = body.guests;
		state.heard = Date.now();
	}
}, (problem) => {
	state.problem = problem;
	state.at = problem ? state.at : Date.now();
	show();
	sayState();
});

const DRAINS = {begun: "drains", drained: "is drained", ended: "drains no longer"};

const TOLD = {
	"guest-appeared": (data) => `appeared: ${count(data.vcpus, "vCPU")}, ${bytes(data.memory_bytes)}`,
	"guest-gone": () => "is gone",
	home: (data) => `home ${data.nodes || "none"}${data.before ? `, before ${data.before}` : ""}: ${data.reason}`,
	"operation-started": (data) => `move ${data.operation} begins: ${bytes(data.to_move_bytes)}`,
	"operation-done": (data) => `move ${data.operation} ${data.outcome}: ${bytes(data.moved_bytes)} in ${duration(data.elapsed_ns)}`,
	"operation-failed": (data) => `move ${data.operation} ${data.outcome}: ${data.message}`,
	problem: (data) => data.problem || "the problem is over",
	reservation: (data) => `reservation ${data.state}${data.nodes ? ` on ${data.nodes}` : ""}`,
	settings: () => "settings changed",
	window: (data) => `window ${data.state}`,
	drain: (data) => `node ${data.node}: ${DRAINS[data.state] ?? data.state}`,
};

let gathered = 0;

function heard(kind, data) {
	clearTimeout(gathered);
	gathered = setTimeout(() => poll.nudge(), GATHER_MS);
	if (kind === "gap") {
		return;
	}
	const ms = data.time_ns / 1e6;
	// what happens to a node is no guest's
	const line = make("li", {class: kind}, make("time", {datetime: new Date(ms).toISOString()}, moment(ms)), " ",
		...(data.guest ? [make("b", {}, data.guest), " "] : []), TOLD[kind](data));
	find("events").prepend(line);
	find("events").children[EVENTS_KEPT]?.remove();
	find("quiet").hidden = true;
}

/** What the address asks for: #/guest/NAME, else the table. */
function route() {
	const before = guest.name;
	const wanted = addressed("guest");
	find("list").hidden = wanted !== null;
	find("guest").hidden = wanted === null;
	if (wanted === null) {
		guest.close();
		show();
		const link = [...document.querySelectorAll("#guests th a")].find((item) => item.textContent === before);
		(before === null ? null : link ?? find("filter"))?.focus();
	} else {
		guest.open(wanted);
		scrollTo(0, 0);
		find("guest-name").focus();
		show();
	}
}

everywhere({
	Escape: () => {
		if (guest.name !== null) {
			location.hash = "#/";
		} else if (find("filter").value) {
			find("filter").value = "";
			find("filter").dispatchEvent(new Event("input"));
		} else {
			return false;
		}
	},
	"/": () => (guest.name === null ? find("filter").focus() : false),
	s: () => (guest.name === null ? guests.arrange() : false),
});
find("filter").addEventListener("keydown", (event) => {
	if (event.key === "Enter" || event.key === "ArrowDown") {
		event.preventDefault();
		document.querySelector("#guests th a[tabindex='0']")?.focus();
	}
});
addEventListener("hashchange", route);
follow("v1/events?since=0", EVENTS, heard, (live) => {
	state.live = live;
	sayState();
});
route();
poll.nudge();
