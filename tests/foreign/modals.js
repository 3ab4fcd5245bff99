// The widget's dialog above the modals of other people's libraries: in ours, clicks, typing, Tab, Shift+Tab and Esc work; the modal beneath neither
// reacts nor closes, and works again afterwards.

import * as Radix from "@radix-ui/react-dialog";
import { Dialog as HeadlessDialog, DialogPanel, DialogTitle } from "@headlessui/react";
import MuiDialog from "@mui/material/Dialog";
import { Modal as BootstrapModal } from "bootstrap";
import { createFocusTrap } from "focus-trap";
import { createElement as h, useState } from "react";
import { Dialog as AriaDialog, Heading, Modal as AriaModal, ModalOverlay } from "react-aria-components";
import { createRoot } from "react-dom/client";
import { mounted, person, personInConnect, personInWidget, press, proved, tell, turn, type, until } from "/lab/lab.js";
import { dependencies } from "./package.json";

const content = () => h("button", { id: "bank" }, "Reconnect");

/** A modal of React's: `Modal` is a component of `open` and `onClose`. */
function inReact(Modal) {
  let isOpen = true;
  function Host() {
    const [open, setOpen] = useState(true);
    isOpen = open;
    return h(Modal, { open, onClose: () => setOpen(false) });
  }
  createRoot(document.querySelector("#one")).render(h(Host));
  return { isOpen: () => isOpen };
}

/** By the name of the package: how its modal is opened, around a button `#bank`. */
const MODALS = {
  "@radix-ui/react-dialog": () =>
    inReact(({ open, onClose }) =>
      h(Radix.Root, { open, onOpenChange: onClose }, h(Radix.Portal, null, h(Radix.Overlay), h(Radix.Content, null, h(Radix.Title, null, "Settings"), h(Radix.Description, null, "Yours"), content()))),
    ),
  "react-aria-components": () =>
    inReact(({ open, onClose }) =>
      h(ModalOverlay, { isOpen: open, onOpenChange: onClose, isDismissable: true }, h(AriaModal, null, h(AriaDialog, null, h(Heading, { slot: "title" }, "Settings"), content()))),
    ),
  "@headlessui/react": () => inReact(({ open, onClose }) => h(HeadlessDialog, { open, onClose }, h(DialogPanel, null, h(DialogTitle, null, "Settings"), content()))),
  "@mui/material": () => inReact(({ open, onClose }) => h(MuiDialog, { open, onClose }, content())),
  bootstrap() {
    const element = document.querySelector("main").appendChild(document.createElement("div"));
    element.className = "modal";
    element.tabIndex = -1;
    element.innerHTML = '<div class="modal-dialog"><div class="modal-content"><button id="bank">Reconnect</button></div></div>';
    element.style.display = "block";
    new BootstrapModal(element).show();
    return { isOpen: () => element.classList.contains("show") };
  },
  "focus-trap"() {
    const element = document.querySelector("main").appendChild(document.createElement("div"));
    element.innerHTML = '<input aria-label="Name"><button id="bank">Reconnect</button>';
    const trap = createFocusTrap(element, { clickOutsideDeactivates: true, delayInitialFocus: false });
    trap.activate();
    return { isOpen: () => trap.active };
  },
  // The same, which keeps clicks outside from happening at all.
  "focus-trap, strict"() {
    const element = document.querySelector("main").appendChild(document.createElement("div"));
    element.innerHTML = '<input aria-label="Name"><button id="bank">Reconnect</button>';
    const trap = createFocusTrap(element, { allowOutsideClick: false, delayInitialFocus: false });
    trap.activate();
    return { isOpen: () => trap.active };
  },
};

async function above(name) {
  const modal = MODALS[name]();
  await until("the host's modal is there", () => document.querySelector("#bank")?.getClientRects().length && modal.isOpen());
  const host = document.querySelector("#bank").parentElement;
  const visit = await person("bank", () => mounted({ container: null }));
  const surface = document.querySelector(".flinks-reconnect.modal");
  const view = () => surface.dataset.view;
  const claims = {};
  const stays = (after) => (claims[`the modal stays after ${after}`] = modal.isOpen() && visit.session.phase === "active");

  await personInConnect("answer", async () => (await tell(visit.window, "return document.activeElement?.id")) === "answer");
  await type("Montreal", async () => (await tell(visit.window, 'return document.getElementById("answer").value')) === "Montreal");
  stays("typing in Connect");
  await personInWidget("title", () => true);
  await turn();
  stays("a click on our text");

  await visit.says({ step: "SUBMIT_MFA" });
  await until("an answer is submitted", () => visit.steps.includes("SUBMIT_MFA"));
  await personInWidget("close", () => view() === "leaving");
  stays("X");
  await personInWidget("stay", () => view() === "connect");
  stays("Continue");

  const wrong = [];
  surface.shadowRoot.querySelector("[part=close]").focus();
  for (const key of ["Tab", "Shift+Tab", "Shift+Tab", "Tab"]) {
    await press(key, () => true);
    await turn();
    if (host.contains(document.activeElement)) wrong.push(key);
  }
  claims[`the focus stays with us: ${wrong}`] = wrong.length === 0;
  surface.shadowRoot.querySelector("[part=close]").focus();
  await press("Escape", () => view() === "leaving");
  stays("Esc");
  await press("Escape", () => visit.outcome);
  claims["Esc closes ours"] = visit.outcome.error?.code === "CANCELLED";
  claims["and not the modal beneath"] = modal.isOpen();
  await until("the focus is back in it", () => host.contains(document.activeElement));
  await press("Escape", () => !modal.isOpen());
  const [library] = name.split(",");
  return [proved(`${library} ${dependencies[library]}: ${name.includes(",") ? "a strict modal" : "a modal"} beneath ours`, "clicks, typing, Tab, Shift+Tab and Esc are ours", "afterwards its own Esc closes it", claims)];
}

export const radix = () => above("@radix-ui/react-dialog");
export const aria = () => above("react-aria-components");
export const headless = () => above("@headlessui/react");
export const mui = () => above("@mui/material");
export const bootstrap = () => above("bootstrap");
export const focusTrap = () => above("focus-trap");
export const strictTrap = () => above("focus-trap, strict");
