//! What the user sees.

use super::super::output::{CompletionNotice, Output, View};
use super::{FIRST_VIEW_LIMIT_MS, NEVER_MS, Network, Progress, Session, Visibility, Waiting};

impl Session {
    pub(super) fn show(&mut self, view: View) {
        self.view = view;
        self.present();
    }

    /// Shows the view together with Connect's frame, where nothing is shown yet and the frame waits for the lock only. Browsers say who has a lock
    /// within a few milliseconds; a page that is drawn first makes the frame wait longer than that.
    pub(super) fn show_with_frame(&mut self, now_ms: u64, view: View) {
        if self.visibility == Visibility::Shown(None) && self.waiting == Waiting::Lock {
            self.view = view;
            self.first_view_ms = now_ms + FIRST_VIEW_LIMIT_MS;
        } else {
            self.show(view);
        }
    }

    /// Shows the view, or what is more pressing; says nothing twice.
    pub(super) fn present(&mut self) {
        self.first_view_ms = NEVER_MS;
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
        self.first_view_ms = NEVER_MS;
        if std::mem::replace(&mut self.visibility, Visibility::Hidden) != Visibility::Hidden {
            self.order(Output::Hide(notice));
        }
    }
}
