// The demo wallet: announces itself like an extension (EIP-6963) and signs with
// a key that the server made for this demonstration. Only a demo serves it.
(() => {
  const icon = "data:image/svg+xml;base64," + btoa('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 36 36"><rect width="36" height="36" rx="9" fill="#1d5a40"/><path d="M8 15c0-5 4-8 10-8s10 3 10 8M18 10v20M12 14v9M24 14v12" fill="none" stroke="#f4efe1" stroke-width="2.2" stroke-linecap="round"/><circle cx="12" cy="24" r="1.8" fill="#eda24f"/></svg>');
  const provider = {
    async request({ method, params }) {
      const csrf = document.querySelector('meta[name="csrf"]')?.content;
      const response = await fetch(document.body.dataset.demoSign, {
        method: "POST",
        headers: { "Content-Type": "application/json", ...(csrf ? { "X-CSRF-Token": csrf } : {}) },
        body: JSON.stringify({ method, params: params ?? [] }),
      });
      const answer = await response.json();
      if (response.ok) return answer.result;
      throw Object.assign(new Error(answer.detail || "The demo wallet cannot do this."), { code: answer.code === "unsupported" ? 4200 : -32603 });
    },
    on() {}, removeListener() {},
  };
  const announce = () => window.dispatchEvent(new CustomEvent("eip6963:announceProvider", {
    detail: Object.freeze({ info: { uuid: "6f1d0b46-8f36-4b3c-9d2c-ba17a4de0001", name: "Demo wallet", icon, rdns: "demo.banyan" }, provider }),
  }));
  window.addEventListener("eip6963:requestProvider", announce);
  announce();
})();
