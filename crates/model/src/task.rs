//! Something that somebody has to do: owner, due, ticket.

use crate::words::{Invalid, Line, PERSON_CHARS_MAX, Prose, REASON_CHARS_MAX, TITLE_CHARS_MAX};
use crate::{About, Timestamp};
use serde::{Deserialize, Serialize};

/// How a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TaskState {
    /// To be done.
    Open,
    /// It was done.
    Done,
    /// It will not be done.
    Dropped,
}

impl TaskState {
    /// All, in the order of a task's life.
    pub const ALL: [Self; 3] = [Self::Open, Self::Done, Self::Dropped];

    /// Its name in tables, JSON and filters.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Done => "done",
            Self::Dropped => "dropped",
        }
    }

    /// The state of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// What, in a line.
    pub title: Line<TITLE_CHARS_MAX>,
    /// What, at length.
    pub detail: Option<Prose<REASON_CHARS_MAX>>,
    /// About what.
    pub about: About,
    /// Who does it; `None`: nobody has taken it.
    pub owner: Option<Line<PERSON_CHARS_MAX>>,
    /// Until when.
    pub due_at: Option<Timestamp>,
    /// Its number in the hospital's ticket system.
    pub ticket: Option<Line<TITLE_CHARS_MAX>>,
    /// How it stands.
    pub state: TaskState,
}

impl Task {
    /// A task to be done, from what was written into a form. Empty text is nothing.
    ///
    /// # Errors
    /// [`Invalid`] names the field.
    pub fn new(
        about: About,
        title: &str,
        detail: &str,
        owner: &str,
        due_at: Option<Timestamp>,
        ticket: &str,
    ) -> Result<Self, Invalid> {
        Ok(Self {
            title: Line::new("title", title)?,
            detail: Prose::optional("detail", detail)?,
            about,
            owner: Line::optional("owner", owner)?,
            due_at,
            ticket: Line::optional("ticket", ticket)?,
            state: TaskState::Open,
        })
    }

    /// It should have been done by now.
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        self.state == TaskState::Open && self.due_at.is_some_and(|due| due < now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overdue_is_open_and_late() {
        let due = Timestamp::from_secs(100);
        let mut task = Task::new(About::Site, "change the filter", "", " ", Some(due), "").unwrap();
        assert_eq!((&task.detail, &task.owner), (&None, &None));
        assert!(!task.is_overdue(due) && task.is_overdue(Timestamp::from_secs(101)));
        task.state = TaskState::Done;
        assert!(!task.is_overdue(Timestamp::from_secs(101)));
        assert_eq!(Task::new(About::Site, "", "", "", None, "").unwrap_err().field, "title");
        for state in TaskState::ALL {
            assert_eq!(TaskState::named(state.name()), Some(state));
        }
    }
}
