//! What the user sees.

use super::super::output::{CompletionNotice, Output, View};
use super::{FIRST_VIEW_LIMIT_MS, LOCK_LIMIT_MS, NEVER_MS, Network, Progress, Session, Visibility, Waiting};

impl Session {
    pub(super) fn show(&mut self, view: View) {
        self.view = view;
        self.present();
    }

    /// Until when the first view waits for Connect's frame: it does where the frame waits for nothing but the lock. Browsers say who has a lock
    /// within a few milliseconds; a page that is drawn first makes the frame wait longer than that.
    pub(super) fn first_view_ms(&self) -> u64 {
        match (self.visibility, self.waiting) {
            (Visibility::Shown(None), Waiting::Lock) => self.until_ms - LOCK_LIMIT_MS + FIRST_VIEW_LIMIT_MS,
            _ => NEVER_MS,
        }
    }

    /// Shows the view, or what is more pressing; says nothing twice.
    pub(super) fn present(&mut self) {
        let view = match self.network {
            _ if self.progress == Progress::Leaving => View::Leaving,
            Network::Offline if self.view.needs_network() => View::Offline,
            _ => self.view,
        };
        if let Visibility::Shown(shown) = &mut self.visibility
            && shown.replace(view) != Some(view)
        {
            self.order(Output::Show(view));
        }
    }

    /// Something changed about the view that is shown, if one is.
    pub(super) fn represent(&mut self) {
        if self.visibility != Visibility::Shown(None) {
            self.present();
        }
    }

    pub(super) fn hide(&mut self, notice: CompletionNotice) {
        if std::mem::replace(&mut self.visibility, Visibility::Hidden) != Visibility::Hidden {
            self.order(Output::Hide(notice));
        }
    }
}
