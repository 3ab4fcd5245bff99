//! The three security questions, asked one after another.

use flinks_connect::parameters::Language;

/// One question in both languages.
#[derive(Debug)]
pub struct Question {
    english: &'static str,
    french: &'static str,
    answers: &'static [&'static str],
}

/// The questions in their order. The English ones are Flinks' own for Canada.
pub static ALL: [Question; 3] = [
    Question {
        english: "What city were you born in?",
        french: "Dans quelle ville êtes-vous né?",
        answers: &["montreal", "montréal"],
    },
    Question {
        english: "What is the best country on earth?",
        french: "Quel est le meilleur pays du monde?",
        answers: &["canada"],
    },
    Question {
        english: "What shape do people like most?",
        french: "Quelle forme les gens préfèrent-ils?",
        answers: &["triangle"],
    },
];

/// The English prompts with answers the bank takes.
pub const RIGHT: [(&str, &str); 3] = [
    ("What city were you born in?", "Montreal"),
    ("What is the best country on earth?", "Canada"),
    ("What shape do people like most?", "Triangle"),
];

/// This many wrong answers in a row end the session.
pub const MAX_WRONG_ANSWERS: u32 = 5;

impl Question {
    /// The exact text of the prompt; answers are sent under it.
    #[must_use]
    pub fn prompt(&self, language: Language) -> &'static str {
        match language {
            Language::En => self.english,
            Language::Fr => self.french,
        }
    }

    /// Whether this is the answer; case and outer spaces do not count.
    #[must_use]
    pub fn is_answered_by(&self, answer: &str) -> bool {
        self.answers.contains(&answer.trim().to_lowercase().as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_accents_and_outer_spaces_do_not_count() {
        for answer in ["Montreal", " montréal ", "MONTREAL", "MONTRÉAL"] {
            assert!(ALL[0].is_answered_by(answer), "{answer}");
        }
        for answer in ["", "Toronto", "Montreal, QC"] {
            assert!(!ALL[0].is_answered_by(answer), "{answer}");
        }
    }
}
