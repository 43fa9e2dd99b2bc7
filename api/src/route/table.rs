//! The calls of the API: their captured segments, their names in metrics, their temper.

/// One call of the API, with the segments captured from its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route<'p> {
    /// The front page.
    Home,
    /// The room page of a sale.
    Room {
        /// The sale's name as the path has it.
        sale: &'p str,
    },
    /// The API's reference page.
    Docs,
    /// A file that pages refer to.
    Asset {
        /// Its name.
        name: &'p str,
    },
    /// A form of a sale's room page.
    RoomForm {
        /// The sale's name as the path has it.
        sale: &'p str,
        /// What the form does: the rest of the path.
        form: &'p str,
    },
    /// The API's description.
    OpenApi,
    /// The public keys of passes.
    Jwks,
    /// Open and coming sales.
    Sales,
    /// A sale's status.
    SaleStatus {
        /// The sale's name as the path has it.
        sale: &'p str,
    },
    /// Join the line.
    Enter {
        /// The sale's name as the path has it.
        sale: &'p str,
    },
    /// Where am I?
    Position {
        /// The sale's name as the path has it.
        sale: &'p str,
    },
    /// Places as server-sent events.
    Stream {
        /// The sale's name as the path has it.
        sale: &'p str,
    },
    /// Give the place up.
    Leave {
        /// The sale's name as the path has it.
        sale: &'p str,
    },
    /// Hold units.
    Purchase {
        /// The sale's name as the path has it.
        sale: &'p str,
    },
    /// One purchase.
    PurchaseShow {
        /// The sale's name as the path has it.
        sale: &'p str,
        /// The purchase's id.
        id: &'p str,
    },
    /// Held to paying.
    Pay {
        /// The sale's name as the path has it.
        sale: &'p str,
        /// The purchase's id.
        id: &'p str,
    },
    /// To confirmed.
    Confirm {
        /// The sale's name as the path has it.
        sale: &'p str,
        /// The purchase's id.
        id: &'p str,
    },
    /// To released.
    Release {
        /// The sale's name as the path has it.
        sale: &'p str,
        /// The purchase's id.
        id: &'p str,
    },
    /// Confirmed to refunded.
    Refund {
        /// The sale's name as the path has it.
        sale: &'p str,
        /// The purchase's id.
        id: &'p str,
    },
    /// An admitted session is over.
    SessionEnd {
        /// The sale's name as the path has it.
        sale: &'p str,
        /// The session's pass id.
        jti: &'p str,
    },
    /// Sessions of the shop are over before their tokens.
    RevokedSessions,
    /// An operator's call.
    Admin(Admin<'p>),
}

/// The calls of operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admin<'p> {
    /// All sales.
    Sales,
    /// Make a sale.
    Create,
    /// One sale as configured.
    Show {
        /// The sale's name as the path has it.
        sale: &'p str,
    },
    /// Change a sale.
    Update {
        /// The sale's name as the path has it.
        sale: &'p str,
    },
    /// Remove a sale.
    Delete {
        /// The sale's name as the path has it.
        sale: &'p str,
    },
    /// An operator's act on a sale.
    Act {
        /// The sale's name as the path has it.
        sale: &'p str,
        /// Which act.
        act: Act,
    },
    /// Who did what.
    Audit {
        /// The sale's name as the path has it.
        sale: &'p str,
    },
    /// Figures of a sale.
    Stats {
        /// The sale's name as the path has it.
        sale: &'p str,
    },
    /// Make invitations.
    Invites {
        /// The sale's name as the path has it.
        sale: &'p str,
    },
    /// Deliveries given up on.
    Outbox,
    /// Deliver them again.
    OutboxReplay,
}

/// What operators do to a sale besides changing its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// The gate stands still.
    Pause,
    /// The gate moves again.
    Resume,
    /// No new entries.
    Drain,
    /// The sale opens now.
    Open,
    /// The sale closes now.
    Close,
    /// A word to everyone.
    Message,
    /// A new pace.
    Rate,
    /// Units come or go.
    Restock,
    /// Stranded units are for sale again.
    Unstrand,
    /// The sale is over and done with.
    Archive,
}

impl Act {
    const ALL: [(&'static str, Self); 10] = [
        ("pause", Self::Pause),
        ("resume", Self::Resume),
        ("drain", Self::Drain),
        ("open", Self::Open),
        ("close", Self::Close),
        ("message", Self::Message),
        ("rate", Self::Rate),
        ("restock", Self::Restock),
        ("unstrand", Self::Unstrand),
        ("archive", Self::Archive),
    ];

    /// The act a path names.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(named, _)| *named == word).map(|(_, act)| *act)
    }

    /// Its name in paths.
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, act)| *act == self).map_or("", |(word, _)| word)
    }
}

/// How many calls there are; indexes by [`Route::index`] are below it.
pub const ROUTES: usize = LABELS.len();

/// The index of whatever the mount answers: the row after the one of unknown paths.
pub const MOUNTED: usize = ROUTES + 1;

/// The metrics label of each call, in the order of [`Route`].
pub const LABELS: [&str; 41] = [
    "/",
    "/s/{sale}",
    "/docs",
    "/assets/{name}",
    "/s/{sale}/{form}",
    "/openapi.json",
    "/.well-known/jwks.json",
    "/v1/sales",
    "/v1/sales/{sale}",
    "/v1/sales/{sale}/enter",
    "/v1/sales/{sale}/position",
    "/v1/sales/{sale}/stream",
    "/v1/sales/{sale}/leave",
    "/v1/sales/{sale}/purchase",
    "/v1/sales/{sale}/purchases/{id}",
    "/v1/sales/{sale}/purchases/{id}/pay",
    "/v1/sales/{sale}/purchases/{id}/confirm",
    "/v1/sales/{sale}/purchases/{id}/release",
    "/v1/sales/{sale}/purchases/{id}/refund",
    "/v1/sales/{sale}/sessions/{jti}/end",
    "/v1/revoked-sessions",
    "/v1/admin/sales",
    "/v1/admin/sales:create",
    "/v1/admin/sales/{sale}",
    "/v1/admin/sales/{sale}:update",
    "/v1/admin/sales/{sale}:delete",
    "/v1/admin/sales/{sale}/pause",
    "/v1/admin/sales/{sale}/resume",
    "/v1/admin/sales/{sale}/drain",
    "/v1/admin/sales/{sale}/open",
    "/v1/admin/sales/{sale}/close",
    "/v1/admin/sales/{sale}/message",
    "/v1/admin/sales/{sale}/rate",
    "/v1/admin/sales/{sale}/restock",
    "/v1/admin/sales/{sale}/unstrand",
    "/v1/admin/sales/{sale}/archive",
    "/v1/admin/sales/{sale}/audit",
    "/v1/admin/sales/{sale}/stats",
    "/v1/admin/sales/{sale}/invites",
    "/v1/admin/outbox",
    "/v1/admin/outbox/replay",
];

impl Admin<'_> {
    const fn index(&self) -> usize {
        match self {
            Self::Sales => 0,
            Self::Create => 1,
            Self::Show { .. } => 2,
            Self::Update { .. } => 3,
            Self::Delete { .. } => 4,
            Self::Act { act, .. } => 5 + *act as usize,
            Self::Audit { .. } => 15,
            Self::Stats { .. } => 16,
            Self::Invites { .. } => 17,
            Self::Outbox => 18,
            Self::OutboxReplay => 19,
        }
    }
}

impl Route<'_> {
    /// The call's place in [`LABELS`].
    pub const fn index(&self) -> usize {
        match self {
            Self::Home => 0,
            Self::Room { .. } => 1,
            Self::Docs => 2,
            Self::Asset { .. } => 3,
            Self::RoomForm { .. } => 4,
            Self::OpenApi => 5,
            Self::Jwks => 6,
            Self::Sales => 7,
            Self::SaleStatus { .. } => 8,
            Self::Enter { .. } => 9,
            Self::Position { .. } => 10,
            Self::Stream { .. } => 11,
            Self::Leave { .. } => 12,
            Self::Purchase { .. } => 13,
            Self::PurchaseShow { .. } => 14,
            Self::Pay { .. } => 15,
            Self::Confirm { .. } => 16,
            Self::Release { .. } => 17,
            Self::Refund { .. } => 18,
            Self::SessionEnd { .. } => 19,
            Self::RevokedSessions => 20,
            Self::Admin(admin) => 21 + admin.index(),
        }
    }

    /// The call's stable name in metrics: its path template, with a verb where two calls share it.
    pub const fn label(&self) -> &'static str {
        LABELS[self.index()]
    }
}
