// The document. What the API tells enters it here, as text: nothing of it can become markup.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
	for (const [name, value] of Object.entries(attributes)) {
		if (value !== null && value !== undefined) {
			element.setAttribute(name, value);
		}
	}
	element.append(...children.filter((child) => child !== null));
	return element;
}

/** An element; children are elements or texts, null for none. */
export function make(tag, attributes = {}, ...children) {
	return fill(document.createElement(tag), attributes, children);
}

export function draw(tag, attributes = {}, ...children) {
	return fill(document.createElementNS(SVG, tag), attributes, children);
}

export function find(id) {
	return document.getElementById(id);
}

/** The name in an address like #/guest/NAME; null when it is of another kind. */
export function addressed(kind) {
	const [, place, name] = location.hash.match(/^#\/(\w+)\/([^/]+)$/) ?? [];
	try {
		return place === kind ? decodeURIComponent(name) : null;
	} catch {
		return name;
	}
}

/** Touches the document only where the text is another. */
export function say(element, text) {
	const wanted = String(text);
	if (element.textContent !== wanted) {
		element.textContent = wanted;
	}
}

export function mark(element, name, value) {
	if (value === null || value === undefined) {
		element.removeAttribute(name);
	} else if (element.getAttribute(name) !== String(value)) {
		element.setAttribute(name, value);
	}
}

/** Makes the children of parent those of items, in their order; what is there already stays the same element. */
export function match(parent, items, key, create, update) {
	const old = new Map([...parent.children].map((child) => [child.key, child]));
	const focused = document.activeElement;
	let at = parent.firstElementChild;
	for (const [index, item] of items.entries()) {
		const name = key(item, index);
		let child = old.get(name);
		if (child) {
			old.delete(name);
		} else {
			child = create(item, index);
			child.key = name;
		}
		if (child === at) {
			at = at.nextElementSibling;
		} else {
			parent.insertBefore(child, at);
		}
		update(child, item, index);
	}
	for (const child of old.values()) {
		child.remove();
	}
	// an element that changes its place loses the focus on the way
	if (focused !== document.activeElement && parent.contains(focused)) {
		focused.focus({preventScroll: true});
	}
}

/** Rows of cells that are texts or elements, made anew. */
export function rows(body, lines) {
	body.replaceChildren(...lines.map((line) => make("tr", {}, ...line.map((cell, index) => {
		const tag = index === 0 ? "th" : "td";
		return make(tag, index === 0 ? {scope: "row"} : {}, cell);
	}))));
}
