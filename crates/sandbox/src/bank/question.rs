//! What a bank asks before it lets somebody in: its challenges, in rounds. A round is what one 203 holds and one screen shows.
//!
//! Flinks' types are in the clients of its integrators; how a bank that waits for a tap in its app is named there is not known, so its type
//! here is a name of our own ([`Kind::TrustedDevice`]): a client has to bear with a type that it does not know.

use std::collections::BTreeSet;

use flinks_connect::parameters::Language;
use serde::{Deserialize, Serialize};

/// The `Type` of a challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Kind {
    /// A free text, or one of `Iterables` where there are some.
    QuestionAndAnswer,
    /// One of `Iterables`.
    MultipleChoice,
    /// Every one of `Iterables` that is true.
    MultipleChoiceMultipleAnswers,
    /// One of the images in `Iterables`.
    ImageSelection,
    /// How the user wants to get a code: any of `Iterables`.
    TextOrCall,
    /// A tap in the bank's app; any answer says that it was made.
    TrustedDevice,
}

/// One challenge in both languages.
#[derive(Debug)]
pub struct Question {
    /// Its type.
    pub kind: Kind,
    english: &'static str,
    french: &'static str,
    /// What there is to choose from, if anything: the same words in both languages.
    pub choices: &'static [&'static str],
    answers: &'static [&'static str],
}

/// The questions of every bank that was told nothing else, in their order. The English ones are Flinks' own for Canada.
pub static ALL: [Question; 3] = [
    Question {
        kind: Kind::QuestionAndAnswer,
        english: "What city were you born in?",
        french: "Dans quelle ville êtes-vous né?",
        choices: &[],
        answers: &["montreal", "montréal"],
    },
    Question {
        kind: Kind::QuestionAndAnswer,
        english: "What is the best country on earth?",
        french: "Quel est le meilleur pays du monde?",
        choices: &[],
        answers: &["canada"],
    },
    Question {
        kind: Kind::QuestionAndAnswer,
        english: "What shape do people like most?",
        french: "Quelle forme les gens préfèrent-ils?",
        choices: &[],
        answers: &["triangle"],
    },
];

static CHOICES: [Question; 3] = [
    Question {
        kind: Kind::QuestionAndAnswer,
        english: "What city were you married in?",
        french: "Dans quelle ville vous êtes-vous marié?",
        choices: &["Halifax", "Regina", "Winnipeg"],
        answers: &["Regina"],
    },
    Question {
        kind: Kind::MultipleChoice,
        english: "What was your first car?",
        french: "Quelle était votre première voiture?",
        choices: &["Acadian", "Bricklin", "Manic"],
        answers: &["Bricklin"],
    },
    Question {
        kind: Kind::MultipleChoiceMultipleAnswers,
        english: "Which cities have you lived in?",
        french: "Dans quelles villes avez-vous vécu?",
        choices: &["Gander", "Moncton", "Nanaimo", "Rimouski"],
        answers: &["Gander", "Nanaimo"],
    },
];

static IMAGES: [Question; 1] = [Question {
    kind: Kind::ImageSelection,
    english: "Which image did you choose?",
    french: "Quelle image avez-vous choisie?",
    choices: &[CIRCLE, SQUARE, TRIANGLE],
    answers: &[TRIANGLE],
}];

const CIRCLE: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9'%3E%3Ccircle cx='4.5' cy='4.5' r='4'/%3E%3C/svg%3E";
const SQUARE: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9'%3E%3Cpath d='M1 1h7v7H1z'/%3E%3C/svg%3E";
const TRIANGLE: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9'%3E%3Cpath d='M4.5 1L8.5 8h-8z'/%3E%3C/svg%3E";

static CODE: [Question; 2] = [
    Question {
        kind: Kind::TextOrCall,
        english: "How do you want to get your code?",
        french: "Comment voulez-vous recevoir votre code?",
        choices: &["SMS 514 555-0199", "Tel. 514 555-0199"],
        answers: &["SMS 514 555-0199", "Tel. 514 555-0199"],
    },
    Question {
        kind: Kind::QuestionAndAnswer,
        english: "What code did you get?",
        french: "Quel code avez-vous reçu?",
        choices: &[],
        answers: &["123456"],
    },
];

/// The first tap does not reach the bank, which asks again.
static PUSH: [Question; 2] = [TAP, TAP];

const TAP: Question = Question {
    kind: Kind::TrustedDevice,
    english: "Confirm in your bank's app, then continue.",
    french: "Confirmez dans l’application de votre banque, puis continuez.",
    choices: &[],
    answers: &[],
};

/// The English prompts of [`ALL`] with answers the bank takes.
pub const RIGHT: [(&str, &str); 3] = [
    ("What city were you born in?", "Montreal"),
    ("What is the best country on earth?", "Canada"),
    ("What shape do people like most?", "Triangle"),
];

/// This many wrong answers in a row end the session.
pub const MAX_WRONG_ANSWERS: u32 = 5;

/// What every bank asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Challenges {
    /// Three questions, one after another.
    #[default]
    Questions,
    /// The same three at once.
    Together,
    /// Three with choices: a question, one choice of several, several of several.
    Choices,
    /// An image.
    Image,
    /// How a code is to be sent, then the code.
    TextOrCall,
    /// A tap in the bank's app, and the same again.
    Push,
}

impl Challenges {
    /// Every choice with its name in the control interface.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("questions", Self::Questions),
        ("together", Self::Together),
        ("choices", Self::Choices),
        ("image", Self::Image),
        ("text-or-call", Self::TextOrCall),
        ("push", Self::Push),
    ];

    /// The challenges of that round, counted from zero; none after the last.
    #[must_use]
    pub fn round(self, number: usize) -> &'static [Question] {
        self.list().chunks(self.per_round()).nth(number).unwrap_or_default()
    }

    /// The right answers to that round: English prompts, each with its texts.
    #[must_use]
    pub fn right(self, number: usize) -> Vec<(&'static str, Vec<&'static str>)> {
        self.round(number).iter().map(|question| (question.english, question.right())).collect()
    }

    /// How many rounds there are.
    #[must_use]
    pub fn rounds(self) -> usize {
        self.list().len().div_ceil(self.per_round())
    }

    /// How many rounds so many answers given ahead to [`ALL`] save.
    #[must_use]
    pub fn rounds_saved_by(self, answers: usize) -> usize {
        match self {
            Self::Questions | Self::Together => answers / self.per_round(),
            Self::Choices | Self::Image | Self::TextOrCall | Self::Push => 0,
        }
    }

    fn list(self) -> &'static [Question] {
        match self {
            Self::Questions | Self::Together => &ALL,
            Self::Choices => &CHOICES,
            Self::Image => &IMAGES,
            Self::TextOrCall => &CODE,
            Self::Push => &PUSH,
        }
    }

    fn per_round(self) -> usize {
        if self == Self::Together { ALL.len() } else { 1 }
    }
}

impl Question {
    /// The exact text of the prompt; answers are sent under it.
    #[must_use]
    pub fn prompt(&self, language: Language) -> &'static str {
        match language {
            Language::En => self.english,
            Language::Fr => self.french,
        }
    }

    fn right(&self) -> Vec<&'static str> {
        match self.kind {
            Kind::TrustedDevice => vec!["confirmed"],
            Kind::MultipleChoiceMultipleAnswers => self.answers.to_vec(),
            _ => self.answers.iter().copied().take(1).collect(),
        }
    }

    /// Whether these texts are the answer; case and outer spaces do not count. Only where several choices are true does more than the first text count.
    #[must_use]
    pub fn is_answered_by(&self, texts: &[String]) -> bool {
        let plain = |text: &str| text.trim().to_lowercase();
        let is_answer = |text: &String| self.answers.iter().any(|answer| plain(answer) == plain(text));
        match self.kind {
            Kind::TrustedDevice => true,
            Kind::MultipleChoiceMultipleAnswers => {
                let given: BTreeSet<_> = texts.iter().map(|text| plain(text)).collect();
                given.len() == self.answers.len() && texts.iter().all(is_answer)
            }
            Kind::QuestionAndAnswer | Kind::MultipleChoice | Kind::ImageSelection | Kind::TextOrCall => {
                texts.first().is_some_and(is_answer)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn case_accents_and_outer_spaces_do_not_count() {
        for answer in ["Montreal", " montréal ", "MONTREAL", "MONTRÉAL"] {
            assert!(ALL[0].is_answered_by(&texts(&[answer])), "{answer}");
        }
        for answer in ["", "Toronto", "Montreal, QC"] {
            assert!(!ALL[0].is_answered_by(&texts(&[answer])), "{answer}");
        }
    }

    #[test]
    fn several_choices_are_right_only_together() {
        let cities = &CHOICES[2];
        assert!(cities.is_answered_by(&texts(&["nanaimo", "Gander"])));
        for wrong in
            [&["Gander"][..], &["Gander", "Gander"], &["Gander", "Moncton"], &["Gander", "Nanaimo", "Moncton"], &[]]
        {
            assert!(!cities.is_answered_by(&texts(wrong)), "{wrong:?}");
        }
    }

    #[test]
    fn right_answers_are_taken() {
        for (name, challenges) in Challenges::ALL {
            for number in 0..challenges.rounds() {
                for (question, (_, right)) in challenges.round(number).iter().zip(challenges.right(number)) {
                    assert!(question.is_answered_by(&texts(&right)), "{name}");
                }
            }
        }
    }

    #[test]
    fn what_is_right_can_be_chosen_and_every_round_has_a_challenge() {
        for (name, challenges) in Challenges::ALL {
            for number in 0..challenges.rounds() {
                assert!(!challenges.round(number).is_empty(), "{name}");
                for question in challenges.round(number).iter().filter(|question| !question.choices.is_empty()) {
                    assert!(question.answers.iter().all(|answer| question.choices.contains(answer)), "{name}");
                }
            }
            assert!(challenges.round(challenges.rounds()).is_empty(), "{name}");
        }
    }
}
