const [element, output] = document.querySelectorAll("flinks-reconnect, output");
element.addEventListener("reconnected", ({ detail: result }) => (output.value = result.status));
element.addEventListener("failed", ({ detail: error }) => (output.value = error.code));
