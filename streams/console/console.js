// Puts the parts of the page that the console sends again in the place of the old ones. Without it the page works, and stays as it is.
"use strict";

const RETRY_MS = 10_000;

// Changes an element into a fresh one, and touches only what differs: what has the focus, is chosen, typed or opened stays so.
function become(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName || old.id !== fresh.id) {
    old.replaceWith(fresh);
    return;
  }
  if (old.nodeType !== Node.ELEMENT_NODE) {
    old.nodeValue = fresh.nodeValue;
    return;
  }
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name) && name !== "open") old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  children(old, fresh);
}

// Rows and cases have ids and are found by them wherever they moved; everything else is taken in order.
function children(old, fresh) {
  const known = new Map([...old.children].filter(one => one.id).map(one => [one.id, one]));
  let place = old.firstChild;
  for (const next of [...fresh.childNodes]) {
    const same = next.id ? known.get(next.id) : place && !place.id ? place : null;
    if (!same) {
      old.insertBefore(next, place);
      continue;
    }
    if (same === place) place = place.nextSibling;
    else old.insertBefore(same, place);
    become(same, next);
  }
  while (place) {
    const after = place.nextSibling;
    place.remove();
    place = after;
  }
}

function listen(address) {
  const events = new EventSource(`/events?at=${encodeURIComponent(address)}`);
  const live = is => document.body.classList.toggle("disconnected", !is);
  events.addEventListener("open", () => live(true));
  events.addEventListener("part", event => {
    const { name, html } = JSON.parse(event.data);
    const part = document.getElementById(`part-${name}`);
    if (!part) {
      // the page has become another one: a case that was not known when it was opened, or a newer console
      location.reload();
      return;
    }
    const fresh = document.createElement("template");
    fresh.innerHTML = html;
    children(part, fresh.content);
  });
  events.addEventListener("news", event => {
    document.getElementById("news").textContent = JSON.parse(event.data);
  });
  events.addEventListener("error", () => {
    live(false);
    // a browser tries again by itself, but not when it was refused
    if (events.readyState === EventSource.CLOSED) setTimeout(() => listen(address), RETRY_MS);
  });
  addEventListener("pagehide", () => events.close(), { once: true });
}

if (document.body.dataset.events) listen(document.body.dataset.events);
