//! The widget's own texts, in plain English and plain Canadian French. The host can replace each through `labels`.

use crate::connect::parameters::Language;
use crate::session::{ErrorCode, Properties, Property, View};

/// A text by its key in `labels`.
type Text = (&'static str, &'static str, &'static str);

const TITLE: Text = ("title", "Reconnect your bank", "Reconnectez votre banque");
const FRAME: Text = (
    "frame",
    "Your bank connection – secure window by Flinks",
    "Votre connexion bancaire – fenêtre sécurisée de Flinks",
);
const CLOSE: Text = ("close", "Close", "Fermer");
const RETRY: Text = ("retry", "Try again", "Réessayer");
const TAKE_OVER: Text = ("takeOver", "Continue here", "Continuer ici");
const BUSY: Text =
    ("busy", "This is already open in another tab.", "Cette opération est déjà ouverte dans un autre onglet.");
const LOADING: Text = ("loading", "Contacting your bank…", "Communication avec votre banque…");
const CONNECT: Text =
    ("connect", "Answer your bank’s question below.", "Répondez ci-dessous à la question de votre banque.");
const EXPIRING: Text = (
    "expiring",
    "This session closes in one minute unless you continue.",
    "Cette session se fermera dans une minute si vous ne continuez pas.",
);
const RENEWING: Text =
    ("renewing", "Your session had to start again. One moment…", "Votre session a dû recommencer. Un instant…");
const DELIVERING: Text = ("delivering", "Saving your connection…", "Enregistrement de votre connexion…");
const RETRYING: Text = (
    "retrying",
    "Saving takes longer than usual. We keep trying; please leave this page open.",
    "L’enregistrement prend plus de temps que d’habitude. Nous réessayons; veuillez laisser cette page ouverte.",
);
const LOAD_TIMEOUT: Text = (
    "loadTimeout",
    "The secure window did not load. Check your internet connection, then try again.",
    "La fenêtre sécurisée ne s’est pas chargée. Vérifiez votre connexion Internet, puis réessayez.",
);
const EXPIRED: Text = (
    "expired",
    "Your session has expired. Nothing was changed. You can start again.",
    "Votre session a expiré. Rien n’a été modifié. Vous pouvez recommencer.",
);
const UNDELIVERED: Text = (
    "undelivered",
    "Your bank is connected, but we could not save it yet. Please try again.",
    "Votre banque est connectée, mais nous n’avons pas encore pu l’enregistrer. Veuillez réessayer.",
);
const MISMATCH: Text = (
    "mismatch",
    "That was a different login than the one to reconnect. Your connection was not changed.",
    "Ce n’était pas le même accès que celui à reconnecter. Votre connexion n’a pas été modifiée.",
);
const FAILED: Text = (
    "failed",
    "Your bank could not be reconnected. Nothing was changed. Please try again later.",
    "Votre banque n’a pas pu être reconnectée. Rien n’a été modifié. Veuillez réessayer plus tard.",
);

/// The texts of one session.
pub(super) struct Words {
    language: Language,
    labels: Vec<(String, String)>,
}

impl Words {
    /// The texts in this language, with the host's own where it gave any.
    pub(super) fn new(language: Language, given: &dyn Properties) -> Self {
        let labels = match given.get("labels") {
            Property::Pairs(pairs) => pairs,
            _ => Vec::new(),
        };
        Self { language, labels }
    }

    fn text(&self, (key, en, fr): Text) -> &str {
        for (name, label) in &self.labels {
            if name == key {
                return label;
            }
        }
        match self.language {
            Language::En => en,
            Language::Fr => fr,
        }
    }

    /// The value of a `lang` attribute.
    pub(super) fn lang(&self) -> &'static str {
        match self.language {
            Language::En => "en",
            Language::Fr => "fr-CA",
        }
    }

    /// The dialog's name.
    pub(super) fn title(&self) -> &str {
        self.text(TITLE)
    }

    /// The frame's name.
    pub(super) fn frame(&self) -> &str {
        self.text(FRAME)
    }

    /// The close button.
    pub(super) fn close(&self) -> &str {
        self.text(CLOSE)
    }

    /// The retry button after this failure.
    pub(super) fn retry(&self, code: ErrorCode) -> &str {
        self.text(if code == ErrorCode::Busy { TAKE_OVER } else { RETRY })
    }

    /// What the status line says.
    pub(super) fn status(&self, view: View) -> &str {
        self.text(match view {
            View::Loading => LOADING,
            View::Connect => CONNECT,
            View::Expiring => EXPIRING,
            View::Renewing => RENEWING,
            View::Delivering => DELIVERING,
            View::Retrying => RETRYING,
            View::Failed(ErrorCode::Busy) => BUSY,
            View::Failed(ErrorCode::LoadTimeout) => LOAD_TIMEOUT,
            View::Failed(ErrorCode::SessionExpired | ErrorCode::TokenInvalid) => EXPIRED,
            View::Failed(ErrorCode::Undelivered) => UNDELIVERED,
            View::Failed(ErrorCode::LoginMismatch) => MISMATCH,
            View::Failed(_) => FAILED,
        })
    }
}
