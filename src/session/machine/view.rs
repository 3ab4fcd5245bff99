//! What the user sees.

use super::super::output::{CompletionNotice, Output, View};
use super::{Network, Progress, Session, Visibility, Waiting};

impl Session {
    pub(super) fn show(&mut self, view: View) {
        self.view = view;
        self.present();
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
        if self.waiting != Waiting::Begin {
            self.present();
        }
    }

    pub(super) fn hide(&mut self, notice: CompletionNotice) {
        if std::mem::replace(&mut self.visibility, Visibility::Hidden) != Visibility::Hidden {
            self.order(Output::Hide(notice));
        }
    }
}
