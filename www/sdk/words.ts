// The widget's own texts, in plain English and plain Canadian French. A host replaces any of them through `labels`, by the names here.
//
// The tone: say what happens, whether anything is lost, and what to do next. Nothing is the user's fault.

/** Every text, in English and French. */
export const WORDS = {
  // What stays.
  title: ["Reconnect your bank", "Reconnectez votre banque"],
  about: [
    "You answer your bank in a secure window by Flinks. This site cannot see what you type there.",
    "Vous répondez à votre banque dans une fenêtre sécurisée de Flinks. Ce site ne voit pas ce que vous y écrivez.",
  ],
  frame: ["Your bank connection – secure window by Flinks", "Votre connexion bancaire – fenêtre sécurisée de Flinks"],

  // Buttons.
  close: ["Close", "Fermer"],
  retry: ["Try again", "Réessayer"],
  startAgain: ["Start again", "Recommencer"],
  takeOver: ["Continue here", "Continuer ici"],
  stay: ["Continue", "Continuer"],
  leave: ["Leave", "Quitter"],

  // Views, by their names in `views.ts`.
  loading: ["Contacting your bank…", "Communication avec votre banque…"],
  slow: [
    "This is taking longer than usual. Please wait a moment, or try again later.",
    "C’est plus long que d’habitude. Veuillez patienter un moment ou réessayer plus tard.",
  ],
  connect: ["Answer your bank’s question below.", "Répondez ci-dessous à la question de votre banque."],
  popupBlocked: [
    "Your browser blocked your bank’s window. Allow pop-ups for this site, then try again below.",
    "Votre navigateur a bloqué la fenêtre de votre banque. Autorisez les fenêtres contextuelles pour ce site, puis réessayez ci-dessous.",
  ],
  expiring: [
    "Your session ends in about a minute. Answer below to keep it open.",
    "Votre session prendra fin dans environ une minute. Répondez ci-dessous pour la garder ouverte.",
  ],
  overdue: [
    "Your session may have ended. Try to answer below, or start again.",
    "Votre session a peut-être pris fin. Essayez de répondre ci-dessous ou recommencez.",
  ],
  renewing: ["Your session had to start again. One moment…", "Votre session a dû recommencer. Un instant…"],
  offline: [
    "You are offline. We will continue as soon as your internet connection is back.",
    "Vous êtes hors ligne. Nous continuerons dès que votre connexion Internet sera rétablie.",
  ],
  delivering: ["Saving your connection…", "Enregistrement de votre connexion…"],
  retrying: [
    "Saving is taking longer than usual. We keep trying; please leave this page open.",
    "L’enregistrement prend plus de temps que d’habitude. Nous réessayons; veuillez laisser cette page ouverte.",
  ],
  leaving: [
    "Leave now? Your bank is still waiting for an answer. If you come back within a few minutes, you can pick up where you left off.",
    "Quitter maintenant? Votre banque attend encore une réponse. Si vous revenez d’ici quelques minutes, vous pourrez reprendre où vous en étiez.",
  ],
  bankSlow: [
    "Your bank is slow to answer. We keep trying for a few minutes; please leave this page open.",
    "Votre banque tarde à répondre. Nous réessayons pendant quelques minutes; veuillez laisser cette page ouverte.",
  ],
  notStarted: ["This could not be started just now. Please try again.", "Impossible de commencer pour le moment. Veuillez réessayer."],
  signedOut: [
    "You are no longer signed in to this site. Sign in again in another tab, then come back here and try again.",
    "Vous n’êtes plus connecté à ce site. Connectez-vous de nouveau dans un autre onglet, puis revenez ici et réessayez.",
  ],
  busy: ["This is already open in another tab.", "Cette opération est déjà ouverte dans un autre onglet."],
  loadTimeout: [
    "The secure window did not load. Check your internet connection, then try again.",
    "La fenêtre sécurisée ne s’est pas chargée. Vérifiez votre connexion Internet, puis réessayez.",
  ],
  blocked: [
    "This site’s settings block the secure window. Nothing was changed. Please let the site’s support team know.",
    "Les réglages de ce site bloquent la fenêtre sécurisée. Rien n’a été modifié. Veuillez en aviser le soutien du site.",
  ],
  expired: [
    "Your session has ended. Nothing was changed. You can start again.",
    "Votre session a pris fin. Rien n’a été modifié. Vous pouvez recommencer.",
  ],
  undelivered: [
    "Your bank is connected, but we could not save it yet. Please try again; you will not have to answer twice.",
    "Votre banque est connectée, mais nous n’avons pas encore pu l’enregistrer. Veuillez réessayer; vous n’aurez pas à répondre de nouveau.",
  ],
  mismatch: [
    "Your bank has answered, but that was not the login to reconnect. This site did not use it. Please use the original one.",
    "Votre banque a répondu, mais ce n’était pas l’accès à reconnecter. Ce site ne l’a pas utilisé. Veuillez utiliser l’accès d’origine.",
  ],
  unconfirmed: [
    "Your bank has answered, but this site could not confirm it. Please check later.",
    "Votre banque a répondu, mais ce site n’a pas pu le confirmer. Veuillez vérifier plus tard.",
  ],
  failed: [
    "Your bank could not be reconnected. Nothing was changed. Please try again later.",
    "Votre banque n’a pas pu être reconnectée. Rien n’a été modifié. Veuillez réessayer plus tard.",
  ],

  // When all of it is gone again.
  sent: ["Done. Your bank is connected.", "C’est fait. Votre banque est connectée."],
} as const satisfies Record<string, readonly [english: string, french: string]>;

/** The name of a text. */
export type TextName = keyof typeof WORDS;

export type Language = "en" | "fr";

/** The text of that name: the page's own, else ours. What `Object.prototype` has is nobody's label. */
export const text = (name: TextName, language: Language, labels: Partial<Record<TextName, string | undefined>> | undefined): string =>
  (labels && Object.hasOwn(labels, name) ? labels[name] : undefined) ?? WORDS[name][language === "fr" ? 1 : 0];
