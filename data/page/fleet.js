// The page of the fleet: all hosts, a tile each, and one host's record in full.
import {addressed, find, make, mark, match, say} from "./dom.js";
import {ask, Poll} from "./feed.js";
import {everywhere, keepStop, rove} from "./keys.js";
import {showMachine} from "./machine.js";
import {bytes, clock, count, share} from "./words.js";

const POLL_MS = 5000, HOSTS_A_PAGE = 200;
const TILE = "a.tile";
// a host whose guests lose that much is as dark as one can be
const LOSS_SHOWN = 0.4;

const state = {pages: [""], next: null, name: null, hosts: [], matching: 0, at: null, open: null};

function path() {
	const after = state.pages[state.pages.length - 1];
	return `v1/hosts?limit=${HOSTS_A_PAGE}${find("which").value}${after ? `&after=${encodeURIComponent(after)}` : ""}`;
}

function one() {
	return `v1/hosts/${encodeURIComponent(state.name)}`;
}

function room(record) {
	return record.nodes.reduce((sum, node) => sum + node.room_bytes, 0);
}

/** {text, kind, share}: what a tile says and how dark it is. */
function measure(record, most) {
	if (find("colour").value === "room") {
		return {text: bytes(room(record)), kind: "home", share: most.host ? room(record) / most.host : 0};
	}
	if (record.locality === null) {
		return {text: "-", kind: "plain", share: 0};
	}
	return {text: share(record.locality), kind: "away", share: Math.min(1, (1 - record.locality) / LOSS_SHOWN)};
}

function signs(record) {
	return [[record.failed, "✖", "failed"], [record.warning, "▲", "warning"]].filter(([names]) => names.length)
		.map(([names, glyph, word]) => [`${glyph}${names.length}`, `${word}: ${names.join(", ")}`]);
}

function newTile(record) {
	return make("li", {}, make("a", {class: "tile", href: `#/host/${encodeURIComponent(record.host)}`, tabindex: -1},
		make("span", {class: "name"}, record.host), make("span", {class: "figure"}), make("span", {class: "signs"}),
		make("span", {class: "strip", "aria-hidden": "true"})));
}

function showTile(item, record, most) {
	const [tile] = item.children;
	const [, figure, sign, strip] = tile.children;
	const {text, kind, share: part} = measure(record, most);
	const marks = signs(record);
	mark(tile, "data-kind", kind);
	tile.style.setProperty("--share", part.toFixed(3));
	say(figure, text);
	say(sign, marks.map(([glyph]) => glyph).join(" "));
	mark(tile, "title", [record.host, ...marks.map(([, words]) => words)].join("\n"));
	mark(tile, "aria-label", [record.host, find("colour").value === "room" ? `${text} free` : `local ${text}`,
		...marks.map(([, words]) => words)].join(", "));
	match(strip, record.nodes, (node, index) => index, () => make("i"),
		(bar, node) => bar.style.setProperty("--share", (most.node ? node.room_bytes / most.node : 0).toFixed(3)));
}

function show() {
	const most = {host: Math.max(0, ...state.hosts.map(room)),
		node: Math.max(0, ...state.hosts.flatMap((record) => record.nodes.map((node) => node.room_bytes)))};
	match(find("hosts"), state.hosts, (record) => record.host, newTile, (item, record) => showTile(item, record, most));
	keepStop(find("hosts"), TILE);
	const first = (state.pages.length - 1) * HOSTS_A_PAGE;
	const all = first + state.matching; // what is told counts from this page on
	say(find("summary"), count(all, "host") + (find("which").value ? " of that kind" : ""));
	say(find("range"), all > HOSTS_A_PAGE ? `${first + 1} to ${first + state.hosts.length} of ${all}` : "");
	find("previous").disabled = state.pages.length === 1;
	find("next").disabled = state.next === null;
	find("pages").hidden = all <= HOSTS_A_PAGE;
	find("none").hidden = state.hosts.length > 0;
	say(find("none"), find("which").value ? "No host is of that kind." : "No host has published its record yet.");
}

const poll = new Poll(() => (state.name === null ? [path()] : []), POLL_MS, (asked, body) => {
	if (asked === path()) {
		Object.assign(state, {hosts: body.hosts, next: body.next, matching: body.matching});
		show();
	}
}, (problem) => {
	state.at = problem ? state.at : Date.now();
	find("state").dataset.state = problem ? "lost" : "live";
	say(find("state"), problem ? `homenode-fleetd: ${problem}${state.at ? `; what is shown is of ${clock(state.at)}` : ""}`
		: "asking every few seconds");
});

async function refreshMachine() {
	const {name} = state;
	if (name === null || document.hidden) {
		return;
	}
	try {
		const {body} = await ask(one());
		if (name === state.name) {
			find("gone").hidden = true;
			find("machine-parts").hidden = false;
			showMachine(body);
		}
	} catch (error) {
		if (name === state.name) {
			find("gone").hidden = false;
			say(find("gone"), error.message);
		}
	}
}

function turn(change) {
	change();
	poll.nudge();
}

/** What the address asks for: #/host/NAME, else the tiles. */
function route() {
	const before = state.name;
	state.name = addressed("host");
	find("fleet").hidden = state.name !== null;
	find("machine").hidden = state.name === null;
	if (state.name === null) {
		poll.nudge();
		const tile = [...document.querySelectorAll(TILE)].find((item) => item.firstChild.textContent === before);
		tile?.focus();
	} else {
		say(find("machine-name"), state.name);
		find("machine-parts").hidden = true;
		find("gone").hidden = true;
		scrollTo(0, 0);
		find("machine-name").focus();
		refreshMachine();
	}
}

/** How many tiles are beside each other. */
function across() {
	const tiles = [...document.querySelectorAll(TILE)];
	const below = tiles.findIndex((tile) => tile.offsetTop > tiles[0].offsetTop);
	return below < 0 ? tiles.length : below;
}

everywhere({Escape: () => {
	if (state.name === null) {
		return false;
	}
	location.hash = "#/";
}});
rove(find("hosts"), TILE, across);
find("colour").addEventListener("change", show);
find("which").addEventListener("change", () => turn(() => {
	state.pages = [""];
}));
find("next").addEventListener("click", () => turn(() => state.pages.push(state.next)));
find("previous").addEventListener("click", () => turn(() => state.pages.pop()));
addEventListener("hashchange", route);
setInterval(refreshMachine, POLL_MS);
route();
