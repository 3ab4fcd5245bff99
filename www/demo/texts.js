// Every word of the page, in English and in Canadian French. What the widget itself says is the widget's affair.
//
// The tone: say what happened, that nothing is lost, and what to do next. The user did nothing wrong.

import { setText } from "./dom.js";

const en = {
  title: "Reconnect a bank · flinks-reconnect demo",
  skip: "Skip to the bank connections",
  demo: "Demo",
  languages: "Language",
  introHeading: "Four banks want a word with their customer",
  introLead: "This page plays a budgeting app whose bank connections have gone stale, each for a reason of its own. To bring one back to life:",
  step1: "Press Reconnect",
  step1Text: "The app’s server asks Flinks what the bank wants.",
  step2: "Answer the bank",
  step2Text: "Montreal, Canada, Triangle: the answers also stand below each question.",
  step3: "See what is new",
  step3Text: "New transactions come in, and the log shows what the app was told.",
  introSandbox: "Nothing here is real: a sandbox on this machine plays Flinks and the banks.",
  heading: "Bank connections",
  loading: "Loading your connections…",
  summary: (waiting, total) => {
    if (total === 0) return "There are no bank connections.";
    if (waiting === 0) return "All your banks are up to date.";
    return `${waiting} of ${total} banks ${waiting === 1 ? "needs" : "need"} a moment of your time.`;
  },
  tryAgain: "Try again",
  unreachable: "We can't reach our server right now. Check your connection and try again.",
  signedOut: "You are signed out. Reload this page to sign in again.",

  status: { "needs-attention": "Needs attention", "in-progress": "In progress", "up-to-date": "Up to date" },
  why: {
    "nightly-refresh-failed": () => "The nightly refresh stopped because the bank asked its security questions.",
    "update-requested": () => "You asked for your latest transactions. The bank wants to check that it's you.",
    "mfa-answers-changed": () => "Your security answers changed at the bank, so the ones it had on file no longer work.",
    "accounts-selected": (count) => `You share ${count} of your accounts at this bank. They are due for an update; your choice stays as it is.`,
    other: () => "The bank needs to hear from you before it shares new data.",
  },
  whyInProgress: "This reconnect isn't finished yet. You can pick up where you left off.",
  whyUpToDate: "Everything is up to date. You can ask for newer data at any time.",
  lastRefresh: "Last refresh",
  never: "Not yet",
  bankSaid: "Flinks said",
  reconnect: "Reconnect",
  update: "Update",
  resume: "Resume",
  updating: "Updating…",

  fetching: "Thank you. We are getting your latest data from the bank…",
  refreshed: (accounts, fresh) => {
    const done = accounts === 1 ? "Done. 1 account is up to date" : `Done. ${accounts} accounts are up to date`;
    if (fresh === 0) return `${done}.`;
    return `${done}, with ${fresh === 1 ? "1 new transaction" : `${fresh} new transactions`}.`;
  },
  alreadyFresh: "Good news: the bank needed nothing from you.",
  slow: "The bank is taking its time. You can leave this page: we keep going, and the result will show up here.",
  cancelled: "No problem. Nothing was changed.",
  cancelledResumable: "No problem, your place is kept for 8 minutes. Choose Resume to go on.",
  refreshFailed: "The bank confirmed it's you, but did not send new data. Please try again in a little while.",
  accountsFailed: "Your data is up to date, but we couldn't show it here. Reload the page to try again.",

  accounts: (bank) => `Accounts at ${bank}`,
  asOf: (moment) => `As of ${moment}`,
  before: (day) => `What the app knows, as of ${day}`,
  newSince: (count, day) => (count === 1 ? `1 new transaction since ${day}` : `${count} new transactions since ${day}`),
  nothingNew: (day) => `No new transactions since ${day}`,
  newMore: (count) => (count === 1 ? "1 more is marked in its account below." : `${count} more are marked in their accounts below.`),
  newCount: (count) => `${count} new`,
  isNew: "New",
  was: (amount) => `was ${amount}`,
  account: "Account",
  accountNumber: (type, lastFour) => `${type} ending in ${lastFour}`,
  types: { Chequing: "Chequing", Savings: "Savings", CreditCard: "Credit card", LineOfCredit: "Line of credit" },
  balance: "Balance",
  owing: "Owing",
  available: (amount) => `${amount} available`,
  transactions: (count) => (count === 1 ? "1 recent transaction" : `${count} recent transactions`),
  transactionsOf: (title) => `Recent transactions: ${title}`,
  date: "Date",
  description: "Description",
  amount: "Amount",

  errors: {
    INVALID_OPTIONS: "Something is set up wrong on our side. Nothing was changed; please tell our support.",
    UNSUPPORTED: "This browser can't open the bank's secure window. Please update it or use another one.",
    START_FAILED: "We couldn't start a session with the bank. Nothing was changed; please try again in a minute.",
    LOAD_TIMEOUT: "The bank's secure window didn't open. Check your connection or your ad blocker, then try again.",
    SESSION_EXPIRED: "The bank ended the session because it was quiet for 8 minutes. Try again: it starts afresh.",
    TOKEN_INVALID: "The bank's secure window did not accept our pass. Try again to get a new one.",
    FULL_FLOW: "The bank asked for a full sign-in instead of its questions. Nothing was changed; please try again later.",
    FLINKS: "The bank refused this sign-in. Nothing was changed; please try again later.",
    CONFLICT: "The answer we got does not belong to this session, so we did not accept it. Nothing was changed; please try again.",
    REJECTED: "The bank confirmed it's you, but our server refused the result. Please start again.",
    LOGIN_MISMATCH: "That was another sign-in than the one saved here. Nothing was changed; use the same bank user as before.",
    UNDELIVERED: "The bank confirmed it's you, but we couldn't save it because our server is out of reach. Try again: you won't have to answer twice.",
    BUSY: "This bank is already open in another tab or window. Finish there, or close it and try again.",
    INTERNAL: "Something went wrong on our side. Nothing was changed; please try again.",
  },
  flinksErrors: {
    DISABLED_LOGIN: "The bank has locked this sign-in. Unlock it on the bank's own site, then come back.",
    DISABLED_INSTITUTION: "This bank can't be reached at the moment. We'll be glad to try again later.",
    NEW_ACCOUNT: "The bank wants you to finish setting up your profile on its own site first. Then come back.",
    INVALID_SECURITY_RESPONSE_NO_RETRY: "The answers did not match what the bank has on file. Check them on the bank's own site, then try again.",
  },

  backstage: "Behind the scenes",
  sandboxHeading: "What if…",
  sandboxLead: "Choose what goes differently in the next reconnect. Once that is over, all is as usual again.",
  twists: {
    network: { title: "…the network breaks?", effect: "The next 4 deliveries get lost. The window keeps trying until the server has the result." },
    token: { title: "…the token is too old?", effect: "Flinks refuses the first token. The widget fetches another one; nobody notices." },
    login: { title: "…another login comes back?", effect: "The window reports somebody else’s login. The server refuses it and changes nothing." },
    questions: { title: "…the bank asks nothing?", effect: "It recognises its customer. The data comes without a single question." },
    bank: { title: "…the bank is down?", effect: "It refuses everything. The customer is told so, and can try again or come back later." },
  },
  twistOn: "It is set up. Reconnect a bank to see what happens.",
  twistOff: "It is off again.",
  asUsual: "That was it. The sandbox behaves as usual again.",
  clockHeading: "…time passes?",
  clockLead: "The bank waits 8 minutes for an answer. Close the window at a question, skip ahead, and resume. After a week there is something new to update.",
  clock: (moment) => `Sandbox time: ${moment}`,
  advance: "Skip 8 minutes",
  advanced: "8 minutes have passed. Questions that were open have expired.",
  advanceWeek: "Skip a week",
  advancedWeek: "A week has passed. Update a bank to get what is new.",
  reset: "Start over",
  resetDone: "Everything is back to the beginning.",
  noSandbox: "There is no sandbox to control: this server talks to the real Flinks.",
  sandboxFailed: "That didn’t work. Is the sandbox running?",
  logHeading: "Event log",
  logLead: "What the widget tells the page around it. Ids show their last four characters only.",
  logEmpty: "Nothing yet. Reconnect a bank to see it fill.",
  clear: "Clear",
  // What happened, in a sentence. Where something is missing, `otherStep` and the line below it say enough.
  phases: {
    starting: "The app’s server is asked to begin.",
    loading: "Flinks Connect is being loaded.",
    active: "Flinks Connect is open.",
    delivering: "The result is on its way to the app’s server.",
    done: "Finished.",
    failed: "This attempt has failed.",
    closed: "The window is closed.",
  },
  steps: {
    APP_MOUNTED: "Flinks Connect has loaded.",
    COMPONENT_LOAD_MFA: "The bank asks a question.",
    COMPONENT_LOAD_MFA_RETRY: "The bank asks again.",
    SUBMIT_MFA: "The customer answers.",
    REDIRECT: "The bank is satisfied.",
    TOKEN_INVALID: "Flinks refuses the token.",
    SESSION_EXPIRED: "The session at the bank is over.",
    SESSION_NONEXISTENT: "The session at the bank is over.",
  },
  otherStep: "Flinks Connect reports a step.",
  occurrences: {
    "reconnect()": "The customer presses the button.",
    "retry()": "The customer tries again.",
    flinkscode: "Flinks reports a code.",
    fullflow: "Flinks Connect wants a full sign-in.",
    expiring: "The session ends in a minute.",
    retrying: "The server did not get it. Another try follows.",
    ReconnectError: "The app is told why it did not work.",
  },
  outcomes: { reconnected: "The app’s server has the result.", upToDate: "Nobody was needed." },
  cancelledEvent: "The customer has left.",
};

const fr = {
  title: "Reconnecter une banque · démo de flinks-reconnect",
  skip: "Aller aux connexions bancaires",
  demo: "Démo",
  languages: "Langue",
  introHeading: "Quatre banques veulent parler à leur client",
  introLead: "Cette page joue une application de budget dont les connexions bancaires ne sont plus à jour, chacune pour une raison différente. Pour en rétablir une\u00a0:",
  step1: "Appuyez sur Reconnecter",
  step1Text: "Le serveur de l’application demande à Flinks ce que veut la banque.",
  step2: "Répondez à la banque",
  step2Text: "Montréal, Canada, Triangle\u00a0: les réponses figurent aussi sous chaque question.",
  step3: "Voyez ce qui est nouveau",
  step3Text: "De nouvelles opérations arrivent, et le journal montre ce que l’application a appris.",
  introSandbox: "Rien n’est réel ici\u00a0: un bac à sable, sur cet ordinateur, joue Flinks et les banques.",
  heading: "Connexions bancaires",
  loading: "Chargement de vos connexions…",
  summary: (waiting, total) => {
    if (total === 0) return "Il n’y a aucune connexion bancaire.";
    if (waiting === 0) return "Toutes vos banques sont à jour.";
    return waiting === 1 ? `Une banque sur ${total} a besoin de vous un instant.` : `${waiting} banques sur ${total} ont besoin de vous un instant.`;
  },
  tryAgain: "Réessayer",
  unreachable: "Notre serveur est injoignable pour l’instant. Vérifiez votre connexion et réessayez.",
  signedOut: "Votre session est terminée. Rechargez la page pour vous reconnecter.",

  status: { "needs-attention": "Action requise", "in-progress": "En cours", "up-to-date": "À jour" },
  why: {
    "nightly-refresh-failed": () => "La mise à jour de la nuit s’est arrêtée\u00a0: la banque a posé ses questions de sécurité.",
    "update-requested": () => "Vous avez demandé vos dernières opérations. La banque veut vérifier que c’est bien vous.",
    "mfa-answers-changed": () => "Vos réponses de sécurité ont changé à la banque\u00a0: celles déjà fournies ne fonctionnent plus.",
    "accounts-selected": (count) => `Vous partagez ${count} de vos comptes à cette banque. Ils sont à mettre à jour; votre choix reste le même.`,
    other: () => "La banque doit d’abord avoir de vos nouvelles avant de partager d’autres données.",
  },
  whyInProgress: "Cette reconnexion n’est pas terminée. Vous pouvez reprendre là où vous en étiez.",
  whyUpToDate: "Tout est à jour. Vous pouvez demander des données plus récentes en tout temps.",
  lastRefresh: "Dernière mise à jour",
  never: "Pas encore",
  bankSaid: "Réponse de Flinks",
  reconnect: "Reconnecter",
  update: "Mettre à jour",
  resume: "Reprendre",
  updating: "Mise à jour…",

  fetching: "Merci. Nous recevons vos dernières données de la banque…",
  refreshed: (accounts, fresh) => {
    const done = accounts === 1 ? "C’est fait. 1 compte est à jour" : `C’est fait. ${accounts} comptes sont à jour`;
    if (fresh === 0) return `${done}.`;
    return `${done}, avec ${fresh === 1 ? "1 nouvelle opération" : `${fresh} nouvelles opérations`}.`;
  },
  alreadyFresh: "Bonne nouvelle\u00a0: la banque n’avait rien à vous demander.",
  slow: "La banque prend son temps. Vous pouvez quitter cette page\u00a0: nous continuons, et le résultat apparaîtra ici.",
  cancelled: "Pas de souci. Rien n’a changé.",
  cancelledResumable: "Pas de souci, votre place est gardée 8 minutes. Choisissez Reprendre pour continuer.",
  refreshFailed: "La banque vous a bien reconnu, mais n’a pas envoyé de nouvelles données. Réessayez dans un moment.",
  accountsFailed: "Vos données sont à jour, mais nous n’avons pas pu les afficher. Rechargez la page pour réessayer.",

  accounts: (bank) => `Comptes\u00a0: ${bank}`,
  asOf: (moment) => `En date du ${moment}`,
  before: (day) => `Ce que l’application sait, en date du ${day}`,
  newSince: (count, day) => (count === 1 ? `1 nouvelle opération depuis le ${day}` : `${count} nouvelles opérations depuis le ${day}`),
  nothingNew: (day) => `Aucune nouvelle opération depuis le ${day}`,
  newMore: (count) => (count === 1 ? "1 autre est signalée dans son compte ci-dessous." : `${count} autres sont signalées dans leurs comptes ci-dessous.`),
  newCount: (count) => (count === 1 ? "1 nouvelle" : `${count} nouvelles`),
  isNew: "Nouvelle",
  was: (amount) => `avant\u00a0: ${amount}`,
  account: "Compte",
  accountNumber: (type, lastFour) => `${type} se terminant par ${lastFour}`,
  types: { Chequing: "Compte-chèques", Savings: "Épargne", CreditCard: "Carte de crédit", LineOfCredit: "Marge de crédit" },
  balance: "Solde",
  owing: "Solde dû",
  available: (amount) => `${amount} disponibles`,
  transactions: (count) => (count === 1 ? "1 opération récente" : `${count} opérations récentes`),
  transactionsOf: (title) => `Opérations récentes\u00a0: ${title}`,
  date: "Date",
  description: "Description",
  amount: "Montant",

  errors: {
    INVALID_OPTIONS: "Quelque chose est mal réglé de notre côté. Rien n’a changé; veuillez en parler à notre soutien.",
    UNSUPPORTED: "Ce navigateur ne peut pas ouvrir la fenêtre sécurisée de la banque. Mettez-le à jour ou utilisez-en un autre.",
    START_FAILED: "Nous n’avons pas pu ouvrir de session avec la banque. Rien n’a changé; réessayez dans une minute.",
    LOAD_TIMEOUT: "La fenêtre sécurisée de la banque ne s’est pas ouverte. Vérifiez votre connexion ou votre bloqueur de publicités, puis réessayez.",
    SESSION_EXPIRED: "La banque a fermé la session après 8 minutes d’inactivité. Réessayez\u00a0: une nouvelle session s’ouvrira.",
    TOKEN_INVALID: "La fenêtre sécurisée de la banque a refusé notre laissez-passer. Réessayez pour en obtenir un nouveau.",
    FULL_FLOW: "La banque a demandé une connexion complète plutôt que ses questions. Rien n’a changé; réessayez plus tard.",
    FLINKS: "La banque a refusé cet accès. Rien n’a changé; réessayez plus tard.",
    CONFLICT: "La réponse reçue n’appartient pas à cette session\u00a0: nous ne l’avons pas acceptée. Rien n’a changé; réessayez.",
    REJECTED: "La banque vous a bien reconnu, mais notre serveur a refusé le résultat. Veuillez recommencer.",
    LOGIN_MISMATCH: "Ce n’était pas le même accès que celui enregistré ici. Rien n’a changé; utilisez le même utilisateur que la dernière fois.",
    UNDELIVERED: "La banque vous a bien reconnu, mais notre serveur est injoignable et rien n’a pu être enregistré. Réessayez\u00a0: vous n’aurez pas à répondre de nouveau.",
    BUSY: "Cette banque est déjà ouverte dans un autre onglet ou une autre fenêtre. Terminez là-bas, ou fermez-le et réessayez.",
    INTERNAL: "Une erreur s’est produite de notre côté. Rien n’a changé; réessayez.",
  },
  flinksErrors: {
    DISABLED_LOGIN: "La banque a verrouillé cet accès. Déverrouillez-le sur le site de la banque, puis revenez.",
    DISABLED_INSTITUTION: "Cette banque est injoignable pour le moment. Réessayez plus tard.",
    NEW_ACCOUNT: "La banque vous demande de terminer votre inscription sur son propre site. Revenez ensuite.",
    INVALID_SECURITY_RESPONSE_NO_RETRY: "Les réponses ne correspondent pas à celles de la banque. Vérifiez-les sur le site de la banque, puis réessayez.",
  },

  backstage: "En coulisses",
  sandboxHeading: "Et si…",
  sandboxLead: "Choisissez ce qui se passera autrement à la prochaine reconnexion. Après celle-ci, tout redevient comme d’habitude.",
  twists: {
    network: { title: "…le réseau était coupé?", effect: "Les 4 prochains envois se perdent. La fenêtre réessaie jusqu’à ce que le serveur ait le résultat." },
    token: { title: "…le jeton était périmé?", effect: "Flinks refuse le premier jeton. Le widget en obtient un autre, sans que personne le remarque." },
    login: { title: "…la fenêtre annonçait un autre accès?", effect: "C’est l’accès de quelqu’un d’autre. Le serveur le refuse et ne change rien." },
    questions: { title: "…la banque ne demandait rien?", effect: "Elle reconnaît son client. Les données arrivent sans une seule question." },
    bank: { title: "…la banque était en panne?", effect: "Elle refuse tout. On le dit au client, qui peut réessayer ou revenir plus tard." },
  },
  twistOn: "C’est prêt. Reconnectez une banque pour voir ce qui se passe.",
  twistOff: "C’est désactivé.",
  asUsual: "Voilà. Le bac à sable se comporte de nouveau comme d’habitude.",
  clockHeading: "…le temps passait?",
  clockLead: "La banque attend une réponse pendant 8 minutes. Fermez la fenêtre à une question, avancez l’heure, puis reprenez. Après une semaine, il y a du nouveau à mettre à jour.",
  clock: (moment) => `Heure du bac à sable\u00a0: ${moment}`,
  advance: "Avancer de 8 minutes",
  advanced: "8 minutes ont passé. Les questions en suspens ont expiré.",
  advanceWeek: "Avancer d’une semaine",
  advancedWeek: "Une semaine a passé. Mettez une banque à jour pour voir ce qui est nouveau.",
  reset: "Recommencer",
  resetDone: "Tout est revenu au début.",
  noSandbox: "Il n’y a pas de bac à sable à commander\u00a0: ce serveur parle au vrai Flinks.",
  sandboxFailed: "Cela n’a pas fonctionné. Le bac à sable est-il en marche?",
  logHeading: "Journal des événements",
  logLead: "Ce que le widget dit à la page qui l’entoure. Des identifiants, on ne voit que les quatre derniers caractères.",
  logEmpty: "Rien encore. Reconnectez une banque pour le voir se remplir.",
  clear: "Effacer",
  phases: {
    starting: "On demande au serveur de l’application de commencer.",
    loading: "Flinks Connect se charge.",
    active: "Flinks Connect est ouvert.",
    delivering: "Le résultat est en route vers le serveur de l’application.",
    done: "Terminé.",
    failed: "Cette tentative a échoué.",
    closed: "La fenêtre est fermée.",
  },
  steps: {
    APP_MOUNTED: "Flinks Connect est chargé.",
    COMPONENT_LOAD_MFA: "La banque pose une question.",
    COMPONENT_LOAD_MFA_RETRY: "La banque repose sa question.",
    SUBMIT_MFA: "Le client répond.",
    REDIRECT: "La banque est satisfaite.",
    TOKEN_INVALID: "Flinks refuse le jeton.",
    SESSION_EXPIRED: "La session à la banque est terminée.",
    SESSION_NONEXISTENT: "La session à la banque est terminée.",
  },
  otherStep: "Flinks Connect signale une étape.",
  occurrences: {
    "reconnect()": "Le client appuie sur le bouton.",
    "retry()": "Le client réessaie.",
    flinkscode: "Flinks signale un code.",
    fullflow: "Flinks Connect demande une connexion complète.",
    expiring: "La session prend fin dans une minute.",
    retrying: "Le serveur ne l’a pas reçu. Un nouvel essai suivra.",
    ReconnectError: "L’application apprend pourquoi cela n’a pas fonctionné.",
  },
  outcomes: { reconnected: "Le serveur de l’application a le résultat.", upToDate: "Aucune intervention n’a été nécessaire." },
  cancelledEvent: "Le client est parti.",
};

const TEXTS = { en, fr };

// The URL alone remembers the language: a demo leaves nothing behind in anybody's browser.
let language = languageOfAddress();

function languageOfAddress() {
  return new URLSearchParams(location.search).get("lang") === "fr" ? "fr" : "en";
}

/** `en` or `fr`. */
export const currentLanguage = () => language;

/** The page's words in the current language. */
export const texts = () => TEXTS[language];

/** The sentence for a ReconnectError. A code added after this page was written still gets one. */
export function errorText({ code, flinksCode }) {
  const { errors, flinksErrors } = texts();
  if (Object.hasOwn(flinksErrors, flinksCode ?? "")) return flinksErrors[flinksCode];
  return Object.hasOwn(errors, code) ? errors[code] : errors.INTERNAL;
}

/** What an entry of the log says to somebody who does not know the names. */
export function eventText(event, detail) {
  const { cancelledEvent, occurrences, otherStep, outcomes, phases, steps } = texts();
  const ofList = (list, name) => (Object.hasOwn(list, name) ? list[name] : undefined);
  if (event === "phasechange") return ofList(phases, detail.phase) ?? "";
  if (event === "step") return ofList(steps, detail.step) ?? otherStep;
  if (event === "result") return ofList(outcomes, detail.status) ?? "";
  if (event === "ReconnectError" && detail.code === "CANCELLED") return cancelledEvent;
  return ofList(occurrences, event) ?? "";
}

/** Fills in the texts that markup names by `data-text`, and names by `data-label`. */
export function translate(root) {
  for (const element of root.querySelectorAll("[data-text]")) setText(element, texts()[element.dataset.text]);
  for (const element of root.querySelectorAll("[data-label]")) element.setAttribute("aria-label", texts()[element.dataset.label]);
}

/** Makes the language links switch in place (no reload, so the log survives) and calls `onChange` after every switch. */
export function followLanguage(onChange) {
  const links = document.querySelectorAll("a[data-language]");

  function show() {
    language = languageOfAddress();
    document.documentElement.lang = language;
    document.title = texts().title;
    for (const link of links) {
      if (link.dataset.language === language) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
    translate(document);
    onChange();
  }

  for (const link of links) {
    link.addEventListener("click", (event) => {
      const wantsNewTab = event.metaKey || event.ctrlKey || event.shiftKey;
      if (wantsNewTab) return;
      event.preventDefault();
      history.pushState(null, "", link.href);
      show();
    });
  }
  addEventListener("popstate", show);
  show();
}
