#pragma once
// Empty: the declarations of c10d need nothing of this header.
